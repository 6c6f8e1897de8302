"""A local stand-in for the API, for trying the connector without an account.

Prints its URL and serves until it is ended. It pages, wants a token, and fails every seventh
request once with 503 and a Retry-After header.
"""

import itertools
import json
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "example-token"
ISSUES = 240
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
PEOPLE = ["ada", "alan", "barbara", "edsger", "grace", "katherine"]
LABELS = ["bug", "docs", "feature", "question"]


def issue(number: int) -> dict:
    login = PEOPLE[number % len(PEOPLE)]
    changed = START + timedelta(hours=number)
    return {
        "id": 1000 + number,
        "number": number,
        "title": f"Issue number {number}",
        "state": "open" if number % 3 else "closed",
        "comments": number % 17,
        "labels": [LABELS[number % 4]],
        "updated_at": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "user": {"login": login, "site_admin": login == "ada"},
    }


DATA = [issue(number) for number in range(1, ISSUES + 1)]


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = itertools.count(1)

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"message": "a token is needed"})
        if next(self.requests) % 7 == 0:
            return self.answer(503, {"message": "try again"}, {"Retry-After": "0"})
        url = urlsplit(self.path)
        if url.path != "/issues":
            return self.answer(404, {"message": "there is no such listing"})
        query = parse_qs(url.query)
        since = query.get("since", [""])[0]
        size = min(int(query.get("per_page", ["30"])[0]), 100)
        page = int(query.get("page", ["1"])[0])
        matching = [row for row in DATA if row["updated_at"] > since]
        rows = matching[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(matching):
            following = urlencode({"since": since, "per_page": size, "page": page + 1})
            headers["Link"] = f'<http://{self.headers["Host"]}/issues?{following}>; rel="next"'
        return self.answer(200, rows, headers)

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the sync's own log is what one wants to see."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
