"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "example-token"


def customer(number, name):
    return {"id": number, "name": name}


# What happened to the customers, in order.
CHANGES = [
    {"change": "created", "customer": customer(1, "Ada")},
    {"change": "created", "customer": customer(2, "Grace")},
    {"change": "created", "customer": customer(3, "Alan")},
    {"change": "deleted", "customer": {"id": 2}},
    {"change": "changed", "customer": customer(3, "Alan Turing")},
    {"change": "created", "customer": customer(4, "Edsger")},
    {"change": "deleted", "customer": {"id": 1}},
]


def answer(path, query):
    """The status and body for a request: GET /changes?after=NUMBER&limit=COUNT."""
    if path != "/changes":
        return 404, {"message": "there is no such listing"}
    after, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
    changes = [{"number": number, **change} for number, change in enumerate(CHANGES, start=1)]
    return 200, [change for change in changes if change["number"] > after][:limit]


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, body = 401, {"message": "a token is needed"}
        else:
            status, body = answer(url.path, query)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        """Quiet: the sync's own log is what one wants to see."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
