"""How cases are written and what they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from snippets import Env
from wit_world.imports import http as host

CASES: dict[str, Callable[[Env], None]] = {}


def case(function: Callable[[Env], None]) -> Callable[[Env], None]:
    CASES[function.__name__] = function
    return function


@contextmanager
def raises(kind: type[BaseException], *parts: str) -> Iterator[list[BaseException]]:
    caught: list[BaseException] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    assert caught, f"{kind.__name__} was not raised"
    for part in parts:
        assert part in str(caught[0]), f"{part!r} is not in {caught[0]}"


@contextmanager
def crossings(count: int) -> Iterator[list[Any]]:
    """The requests that cross meanwhile, as many as said."""
    before = len(host.sent)
    seen: list[Any] = []
    yield seen
    seen += host.sent[before:]
    assert len(seen) == count, seen


def last(env: Env, **arguments: Any) -> Any:
    requests.request(arguments.pop("method", "GET"), env.url + "/echo", **arguments)
    return host.sent[-1]
