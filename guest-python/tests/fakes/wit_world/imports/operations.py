"""Stand-in for the host's operations: records the calls, and refuses what a test says."""

import enum
from dataclasses import dataclass

from componentize_py_types import Err


class OperationKind(enum.Enum):
    UPSERT = 0
    UPDATE = 1
    DELETE = 2


@dataclass
class Tolerated:
    misfits: bool
    rejects: bool


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


tolerated = Tolerated(False, False)
"""What the operator wants for every table."""


def tolerance(table):
    return tolerated


def reject(table, operation, rows, reason):
    assert type(operation) is OperationKind
    assert type(reason) is str
    reason.encode()
    _take("reject", table, rows, (operation.name.lower(), reason))


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
