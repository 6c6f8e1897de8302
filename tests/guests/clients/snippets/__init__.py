"""What connectors do with HTTP libraries; run as it is and through the patched libraries.

Each snippet gets `Env` and returns something that JSON can hold. Modules register theirs when they are
imported: those of `NEUTRAL` do the same over any host that keeps the contract, `host` needs the real one,
`libraries` and `google` need more packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


class Env(NamedTuple):
    url: str
    tls: str
    untrusted: str
    refused: str
    port: int
    run: str
    """Differs between the two runs: names counters on the server."""


NEUTRAL = ("sending", "answers", "streams", "sessions", "failures", "pools", "standard")

Snippet = Callable[[Env], Any]
SNIPPETS: dict[str, Snippet] = {}
FAILS: dict[str, str] = {}


def snippet(function: Snippet) -> Snippet:
    SNIPPETS[function.__name__] = function
    return function


def fails(kind: str) -> Callable[[Snippet], Snippet]:
    """Mark a snippet whose outcome is an exception of this class."""

    def mark(function: Snippet) -> Snippet:
        FAILS[function.__name__] = kind
        return snippet(function)

    return mark


def described(error: BaseException) -> list[Any]:
    """The exception's class and those of what it carries, without addresses and numbers."""
    carried = []
    inner: Any = error
    for _ in range(4):
        following = getattr(inner, "reason", None)
        if not isinstance(following, BaseException):
            following = next(
                (arg for arg in getattr(inner, "args", ()) if isinstance(arg, BaseException)), None
            )
        if following is None:
            break
        carried.append(type(following).__name__)
        inner = following
    return [type(error).__module__, type(error).__name__, carried]


def run(env: dict[str, Any]) -> dict[str, Any]:
    """What came of each snippet, as JSON can hold it."""
    results: dict[str, Any] = {}
    for name, function in SNIPPETS.items():
        try:
            results[name] = ["value", function(Env(**env))]
        except Exception as error:
            results[name] = ["error", *described(error)]
    return results


def shown(response: requests.Response) -> list[Any]:
    return [response.status_code, response.reason, response.url, response.text, response.encoding]


def session(retry: Retry) -> requests.Session:
    made = requests.Session()
    made.mount("http://", HTTPAdapter(max_retries=retry))
    made.mount("https://", HTTPAdapter(max_retries=retry))
    return made


def kinds(*calls):
    """What each call raises."""
    found = []
    for call in calls:
        try:
            found.append(re.sub(" at 0x[0-9a-f]+", "", repr(call())))
        except Exception as error:
            found.append(f"{type(error).__module__}.{type(error).__name__}")
    return found
