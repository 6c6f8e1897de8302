"""Connectors for `sluice test`: right ones, and wrong ones that each fail one check.

All read the same small source: items 1 to 12 in pages of 3.
"""

import random
import uuid

import requests
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

ITEMS = [{"id": number, "name": f"item {number}", "rank": (number * 5) % 13} for number in range(1, 13)]
PAGE = 3
PAGES = [ITEMS[start : start + PAGE] for start in range(0, len(ITEMS), PAGE)]


def send(rows, table="items"):
    for row in rows:
        op.upsert(table, row)


# right ones


def pages(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number])
        op.checkpoint({"page": number + 1})


def cursor(_configuration, state):
    after = state.get("after", 0)
    while rows := [row for row in ITEMS if row["id"] > after][:PAGE]:
        send(rows)
        after = rows[-1]["id"]
        op.checkpoint({"after": after})


def everything_each_time(_configuration, state):
    send(ITEMS)
    op.checkpoint(state)


def truncated_and_read_again(_configuration, state):
    op.truncate("items")
    for page in PAGES:
        send(page)
    op.checkpoint({})


def with_deletes(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number])
        if number:
            op.delete("items", {"id": PAGES[number - 1][0]["id"]})
        op.checkpoint({"page": number + 1})


def two_tables(_configuration, state):
    for table in ("items", "others"):
        for number in range(state.get(table, 0), len(PAGES)):
            send(PAGES[number], table)
            state[table] = number + 1
            op.checkpoint(state)


def no_primary_key(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number], "events")
        op.checkpoint({"page": number + 1})


def with_updates(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number])
        for row in PAGES[number]:
            op.update("items", {"id": row["id"], "name": row["name"].upper()})
        op.checkpoint({"page": number + 1})


def inside_a_page(_configuration, state):
    for row in ITEMS[state.get("done", 0) :]:
        op.upsert("items", row)
        if row["id"] % 2:
            op.checkpoint({"done": row["id"]})
    op.checkpoint({"done": len(ITEMS)})


def as_a_generator(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        yield [op.upsert("items", row) for row in PAGES[number]]
        yield op.checkpoint({"page": number + 1})


# wrong ones, which a sync that is cut and resumed finds


def state_before_rows(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        op.checkpoint({"page": number + 1})
        send(PAGES[number])


def cursor_off_by_one(_configuration, state):
    for number in range(state.get("page", -1) + 1, len(PAGES)):
        send(PAGES[number])
        op.checkpoint({"page": number + 1})


def random_keys(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send({**row, "id": str(uuid.uuid4())} for row in PAGES[number])
        op.checkpoint({"page": number + 1})


def counted_keys(_configuration, state):
    count = 0
    for number in range(state.get("page", 0), len(PAGES)):
        for row in PAGES[number]:
            count += 1
            op.upsert("items", {**row, "id": count})
        op.checkpoint({"page": number + 1})


def page_done_too_early(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number][:1])
        op.checkpoint({"page": number + 1})
        send(PAGES[number][1:])
        op.checkpoint({"page": number + 1})


def truncated_and_gone_on(_configuration, state):
    op.truncate("items")
    pages(_configuration, state)


def cursor_of_another_order(_configuration, state):
    after = state.get("rank", -1)
    for page in PAGES:
        rows = [row for row in page if row["rank"] > after]
        send(rows)
        if rows:
            op.checkpoint({"rank": max(row["rank"] for row in rows)})


def deletes_too_late(_configuration, state):
    for number in range(state.get("page", 0), len(PAGES)):
        send(PAGES[number])
        op.checkpoint({"page": number + 1})
        op.delete("items", {"id": PAGES[number][0]["id"]})
    op.checkpoint({"page": len(PAGES)})


def one_cursor_for_two_tables(_configuration, state):
    start = state.get("page", 0)
    for table in ("items", "others"):
        for number in range(start, len(PAGES)):
            send(PAGES[number], table)
            op.checkpoint({"page": number + 1})


def totals_in_memory(_configuration, state):
    total = 0
    for number in range(state.get("page", 0), len(PAGES)):
        for row in PAGES[number]:
            total += row["rank"]
            op.upsert("items", {**row, "total": total})
        op.checkpoint({"page": number + 1})


def rows_held_back(_configuration, state):
    held = []
    for number in range(state.get("page", 0), len(PAGES)):
        held.extend(PAGES[number])
        if number % 2:
            send(held)
            held = []
        op.checkpoint({"page": number + 1})


# wrong ones, which other checks find


def fails(_configuration, _state):
    log.warning("about to fail")
    raise ValueError("nothing works")


def disagrees(_configuration, state):
    send(ITEMS)
    send(ITEMS, "undeclared")
    op.checkpoint(state)


def large_state(_configuration, state):
    send(ITEMS)
    op.checkpoint({"seen": ["x" * 1000] * 100})


def counts_its_syncs(_configuration, state):
    syncs = state.get("syncs", 0) + 1
    op.upsert("items", {"id": 1, "name": "counter", "rank": syncs})
    op.checkpoint({"syncs": syncs})


def never_checkpoints(_configuration, _state):
    for number in range(1100):
        log.info(f"row {number}")
    send(ITEMS)


def over_http(configuration, state):
    after = state.get("after", 0)
    while True:
        answer = requests.get("https://api.example.com/items", {"after": after}, timeout=5)
        answer.raise_for_status()
        rows = answer.json()
        if not rows:
            break
        send(rows)
        after = rows[-1]["id"]
        op.checkpoint({"after": after})


def fetched_at(_configuration, state):
    """Right but for one column, which differs each time."""
    send({**row, "lucky": random.random()} for row in ITEMS)
    op.checkpoint(state)


RIGHT = (
    pages,
    cursor,
    everything_each_time,
    truncated_and_read_again,
    with_deletes,
    two_tables,
    no_primary_key,
    with_updates,
    inside_a_page,
    as_a_generator,
)
WRONG = (
    state_before_rows,
    cursor_off_by_one,
    random_keys,
    counted_keys,
    page_done_too_early,
    truncated_and_gone_on,
    cursor_of_another_order,
    deletes_too_late,
    one_cursor_for_two_tables,
    totals_in_memory,
    rows_held_back,
)
OTHERS = (fails, disagrees, large_state, counts_its_syncs, never_checkpoints, over_http, fetched_at)

MODES = {f"kit_{mode.__name__}": mode for mode in (*RIGHT, *WRONG, *OTHERS)}
MODES |= dict.fromkeys(("kit_schema_by_chance", "kit_schema_collides"), everything_each_time)

DECLARED = [{"table": "items", "primary_key": ["id"]}]


def by_chance(_configuration):
    return [*DECLARED, {"table": f"t{random.randrange(10**9)}"}]


DECLARATIONS = dict.fromkeys(MODES, DECLARED)
DECLARATIONS |= {
    "kit_two_tables": [*DECLARED, {"table": "others", "primary_key": ["id"]}],
    "kit_one_cursor_for_two_tables": [*DECLARED, {"table": "others", "primary_key": ["id"]}],
    "kit_no_primary_key": [{"table": "events"}],
    "kit_schema_by_chance": by_chance,
    "kit_schema_collides": [*DECLARED, {"table": "Items", "primary_key": ["id"]}],
}
