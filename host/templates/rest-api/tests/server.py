"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "example-token"

PRODUCTS = [
    {"id": number, "name": f"Product {number}", "price": 9.5 + number, "tags": ["new"] if number % 2 else []}
    for number in range(1, 8)
]
PAGE = 3


def answer(path, query):
    """The status and body for a request: GET /products?page=2, pages from 1."""
    if path != "/products":
        return 404, {"message": "there is no such listing"}
    start = (int(query.get("page", "1")) - 1) * PAGE
    return 200, {"items": PRODUCTS[start : start + PAGE], "more": start + PAGE < len(PRODUCTS)}


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
