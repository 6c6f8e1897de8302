"""Row plans: one Python function made for the rows of one buffer, for speed.

A plan takes a row (a dict), checks it, and appends it to the buffer's rows. It only knows the
types that the buffer has seen; a row that is anything else goes to the buffer's `add`, which
knows everything. So a plan may be missing, but must never accept what `add` would refuse. For texts
it asks `__class__`, which is faster than `type`: joining them finds an object made to deceive before
it crosses.

The source of a plan is made of fixed words and column numbers only: no name and no value of the
author gets into it. Plans of the same shape share their code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from sluice._encoding import RANGES
from sluice._errors import Rejected
from sluice._text import byte_length, utf8_length

MAX_COLUMNS = 64
"""Rows with more columns get no plan: making it would cost more than it saves."""

SMALL = 2**30 - 1
"""The largest number that CPython compares fast."""

CELL_BYTES = 8
"""What one cell counts for the size of a buffer, beside its text or bytes."""


class Step(NamedTuple):
    """What a plan does for one column."""

    mode: str
    """`null` (only NULLs so far), a mode of `Encoder`, or `any`."""
    nullable: bool
    """False for the columns of the primary key."""
    sized: bool = False
    """In mode `pair`: whether the value has a length that counts."""
    calls_out: bool = False
    """Whether the author's code may run, and so may close the buffer meanwhile."""


@lru_cache(maxsize=256)
def compiled(steps: tuple[Step, ...], sparse: bool) -> Callable[..., Callable[[Any], None]]:
    """A function that makes a plan; see `_HEAD` for what it wants."""
    names: dict[str, Any] = {"Rejected": Rejected, "byte_length": byte_length, "utf8_length": utf8_length}
    # made of the fixed words in this module and of numbers
    exec(compile(_source(steps, sparse), "<sluice row plan>", "exec"), names)
    make: Callable[..., Callable[[Any], None]] = names["make"]
    return make


_HEAD = """\
def make(buffer, getter, names, slow, late, append, rows, max_rows, full, nulls, types, kinds, encoders):
"""


def _source(steps: tuple[Step, ...], sparse: bool) -> str:
    count = len(steps)
    lines = []
    for i in range(count):
        lines += [f"T{i} = types[{i}]", f"K{i} = kinds[{i}]", f"E{i} = encoders[{i}]"]
    lines.append("def plan(data):")
    values = "".join(f"v{i}, " for i in range(count))
    # what the getter made can be kept when no value is changed
    whole = not sparse and count > 1 and all(step.mode not in ("pair", "any") for step in steps)
    body = _fetch(count, sparse, whole)
    calls_out = any(step.calls_out for step in steps)
    if calls_out:
        body.append("flushes = buffer.flushes")
    body.append(f"n = {count * CELL_BYTES}")
    may_reject = any(step.mode in ("pair", "any") for step in steps)
    checks = [line for i, step in enumerate(steps) for line in _check(i, step)]
    if may_reject:
        checks = ["try:", *_indent(checks), "except Rejected:", "    return slow(data)"]
    body += checks
    if calls_out:
        # the author's code wrote to this table and closed the batch
        body += ["if buffer.flushes != flushes:", f"    return late(({values}))"]
    body += [
        "append(row)" if whole else f"append(({values}))",
        "n += buffer.size",
        "buffer.size = n",
        "if n >= buffer.mark or len(rows) >= max_rows:",
        "    full(buffer)",
    ]
    lines += _indent(body)
    lines.append("return plan")
    return _HEAD + "\n".join(_indent(lines)) + "\n"


def _fetch(count: int, sparse: bool, whole: bool) -> list[str]:
    values = ", ".join(f"v{i}" for i in range(count)) + (", " if sparse or count > 1 else "")
    if sparse:
        return [
            "if type(data) is not dict or not data.keys() <= names:",
            "    return slow(data)",
            f"{values}= map(data.get, getter)",
        ]
    return [
        f"if type(data) is not dict or len(data) != {count}:",
        "    return slow(data)",
        "try:",
        f"    {values} = {'row = ' if whole else ''}getter(data)",
        "except KeyError:",
        "    return slow(data)",
    ]


def _check(i: int, step: Step) -> list[str]:
    v = f"v{i}"
    null = [f"elif {v} is None:", f"    nulls[{i}] = True"] if step.nullable else []
    other = ["else:", "    return slow(data)"]
    match step.mode:
        case "null":
            return [f"if {v} is not None:", "    return slow(data)", f"nulls[{i}] = True"]
        case "any":
            return [f"if {v} is None:", f"    nulls[{i}] = True", "else:", f"    {v} = E{i}({v})"]
        case "plain":
            test, then = f"type({v}) is T{i}", ["pass"]
        case "blob":
            test, then = f"type({v}) is T{i}", [f"n += len({v})"]
        case "text":
            test = f"{v}.__class__ is str"
            then = [
                f"if {v}.isascii():",
                f"    n += len({v})",
                "else:",
                f"    m = utf8_length({v})",
                "    if m < 0:",
                "        return slow(data)",
                "    n += m",
            ]
        case "pair":
            test = f"type({v}) is T{i}"
            then = [f"k, {v} = E{i}({v})", f"if k is not K{i}:", "    return slow(data)"]
            if step.sized:
                then.append(f"n += byte_length({v})")
        case whole:
            low, high = RANGES[whole]
            test = f"type({v}) is int"
            then = ["    return slow(data)"]
            # comparing with a number of more than 30 bits is slow, and most are smaller
            small = max(low, -SMALL), min(high, SMALL)
            wide = "" if small == (low, high) else f" and not {low} <= {v} <= {high}"
            then.insert(0, f"if not {small[0]} <= {v} <= {small[1]}{wide}:")
    return [f"if {test}:", *_indent(then), *null, *other]


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
