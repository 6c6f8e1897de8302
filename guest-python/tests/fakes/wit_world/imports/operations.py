"""Stand-in for the host's operations: records the calls, and refuses what a test says."""

from dataclasses import dataclass

from componentize_py_types import Err


@dataclass
class Refusal_Invalid:
    value: str


@dataclass
class Refusal_Limit:
    value: str


@dataclass
class Refusal_Ended:
    value: str


calls = []
refuse = None
"""None, or a function of a call that returns a refusal or None."""


def _take(*call):
    refusal = refuse(call) if refuse is not None else None
    if refusal is not None:
        raise Err(refusal)
    calls.append(call)


def upsert(table, rows):
    _take("upsert", table, rows)


def update(table, rows):
    _take("update", table, rows)


def delete(table, keys):
    _take("delete", table, keys)


def truncate(table):
    _take("truncate", table)


def checkpoint(state):
    assert type(state) is str
    state.encode()
    _take("checkpoint", state)
