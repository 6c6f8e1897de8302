"""A local stand-in for a shop's API: a feed of changes, read in pages from a position on.

Prints its URL and serves until it is ended. ``--days 2`` also serves what changed on the second day, so that
a connector can be seen to go on where it stopped. The numbers are made up, and the same every time.

``GET /changes?after=POSITION&limit=NUMBER`` answers ``{"changes": […], "more": true}``; each change has its
``position`` and a ``kind``:

- ``order``: an order as it is now, with its lines;
- ``paid``: an order was paid, nothing else of it changed;
- ``removed``: an order and its lines are gone.
"""

import argparse
import base64
import json
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

TOKEN = "example-token"
ORDERS = 120
START = datetime(2024, 2, 27, 23, 59, 59, 123456)
CUSTOMERS = ["Ada Lovelace", "Zoë Łukasiewicz", 'D\'Arcy "Quoted"', "山田 太郎", ""]
NOTES = [None, "leave it at the door", "two\nlines", "🎁"]


def order(number: int, revision: int) -> dict:
    changed = START + timedelta(hours=7 * number, days=90 * revision, microseconds=number)
    lines = [
        {"line": at, "product": f"product {(number * at) % 11}", "quantity": at, "price": f"{at * 3}.50"}
        for at in range(1, 2 + number % 3)
    ]
    return {
        "id": number,
        # Larger than 2**53, so it is text in JSON: JavaScript and others would round the number.
        "reference": str(9_007_199_254_740_993 + number),
        "customer": CUSTOMERS[number % len(CUSTOMERS)],
        "total": f"{number * 137 % 1000}.{number % 100:02}",
        "weight": number / 8 + 0.1 if number % 6 else None,
        "paid": number % 4 == 0,
        "ordered_on": (changed - timedelta(days=1)).strftime("%Y-%m-%d"),
        "delivery": changed.strftime("%Y-%m-%dT18:30:00") if number % 2 else None,
        "changed_at": changed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "receipt": base64.b64encode(bytes([number % 256, 0, 255])).decode() if number % 5 else None,
        "tags": {"gift": number % 7 == 0, "labels": ["new", f"batch {number % 3}"][: number % 3]},
        "note": NOTES[number % len(NOTES)],
        "lines": lines,
    }


def first_day() -> list[dict]:
    changes: list[dict] = []
    for number in range(1, ORDERS + 1):
        changes.append({"kind": "order", "order": order(number, 0)})
        if number % 10 == 0:
            changes.append({"kind": "paid", "id": number - 3, "changed_at": "2024-12-24T08:00:00.500000Z"})
        if number % 15 == 0:
            gone = order(number - 7, 0)
            lines = [line["line"] for line in gone["lines"]]
            changes.append({"kind": "removed", "id": gone["id"], "lines": lines})
    return changes


def second_day() -> list[dict]:
    changes: list[dict] = [{"kind": "order", "order": order(number, 1)} for number in (3, 8, ORDERS + 1)]
    return [*changes, {"kind": "paid", "id": ORDERS + 1, "changed_at": "2025-01-01T00:00:00.000001Z"}]


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    changes: ClassVar[list[dict]] = []

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"message": "a token is needed"})
        url = urlsplit(self.path)
        if url.path != "/changes":
            return self.answer(404, {"message": "there is no such listing"})
        query = parse_qs(url.query)
        after = int(query.get("after", ["0"])[0])
        limit = min(int(query.get("limit", ["20"])[0]), 50)
        page = self.changes[after : after + limit]
        return self.answer(200, {"changes": page, "more": after + limit < len(self.changes)})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the sync's own log is what one wants to see."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=1, choices=[1, 2])
    served = first_day() + (second_day() if parser.parse_args().days == 2 else [])
    Api.changes = [{"position": position, **change} for position, change in enumerate(served, start=1)]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
