"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "example-token"

ORDERS = [
    {
        "id": number,
        "customer": ["Ada", "Grace", "Alan"][number % 3],
        "total": 10 * number,
        "updated_at": f"2025-01-{number:02}T09:00:00Z",
    }
    for number in range(1, 11)
]


def answer(path, query):
    """The status and body for a request: GET /orders?updated_after=TIME&limit=COUNT, oldest change first."""
    if path != "/orders":
        return 404, {"message": "there is no such listing"}
    after, limit = query.get("updated_after", ""), int(query.get("limit", "100"))
    return 200, [order for order in ORDERS if order["updated_at"] > after][:limit]


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
