"""Calling the functions that a connector is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluice import _drive, _schema
from sluice._connector import Connector

Settle = Callable[[], None]
"""Waits for what a function started and left behind."""


def tables(connector: Connector, configuration: dict[str, str], settle: Settle) -> list[_schema.Table]:
    """What `schema` declares. Raises what it raises, and what says what to return instead."""
    if connector.schema_method is None:
        return []
    answer = _drive.finish(connector.schema_method(configuration))
    settle()
    return _schema.parse(answer)


def check_update(connector: Connector) -> None:
    """Raise TypeError for an `update` that is no function."""
    if not callable(connector.update_method):
        found = type(connector.update_method).__name__
        raise TypeError(f"Connector(update=...) must be given a function, not {found}")


def update(
    connector: Connector, configuration: dict[str, str], state: dict[str, Any], settle: Settle
) -> None:
    """Run `update` to its end, whatever kind of function it is."""
    _drive.exhaust(connector.update_method(configuration=configuration, state=state))
    settle()
