"""Where a row's time goes in the guest: logs nanoseconds a row, best of several rounds."""

import time

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

ROWS, ROUNDS = 200_000, 5
STAMP = "2024-01-01T00:00:00Z"


def schema(configuration):
    return [{"table": "items", "primary_key": ["id"]}]


def update(configuration, state):
    same = make(7)
    numbers = range(ROWS)

    def loop():
        for _ in numbers:
            pass

    def rows():
        for number in numbers:
            make(number)

    def upserts():
        for _ in numbers:
            op.upsert("items", same)

    for name, part in (("loop", loop), ("making rows", rows), ("upserting one row", upserts)):
        log.info(f"{name}: {min(timed(part) for _ in range(ROUNDS)) / ROWS * 1e9:.0f} ns a row")


def make(number):
    return {
        "id": number,
        "name": f"item number {number}",
        "score": number * 0.5,
        "active": number % 2 == 0,
        "created_at": STAMP,
    }


def timed(part):
    start = time.perf_counter()
    part()
    return time.perf_counter() - start


connector = Connector(update=update, schema=schema)
