"""`Connector`: what a project's connector.py defines under the name `connector`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluice import _contract
from sluice._logging import Logging

_HINT = "a connector does not run by itself: use `sluice run <project>`"


class Connector:
    """The functions that make up a connector.

    `update(configuration, state)` fetches rows and sends them through `Operations`. It is called
    with keyword arguments and may be a plain function, a generator, a coroutine or an async
    generator. `schema(configuration)`, if given, returns a list of dicts that declare tables.
    `configuration_form` is kept for later.
    """

    # tools that look for a connector recognise it by the name of this module
    __module__ = "fivetran_connector_sdk"

    def __init__(
        self,
        update: Callable[..., Any],
        schema: Callable[[dict[str, str]], Any] | None = None,
        configuration_form: Callable[[], Any] | None = None,
    ) -> None:
        self.update_method = update
        self.schema_method = schema
        self.configuration_form_method = configuration_form

    def debug(
        self,
        project_path: str | None = None,
        configuration: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        naming: str | None = None,
        log_level: Logging.Level = Logging.Level.DEBUG,
    ) -> None:
        """Say how to run the project; the arguments are only accepted."""
        _say_how()

    def run(
        self,
        port: int = 50049,
        configuration: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        log_level: Logging.Level = Logging.Level.INFO,
    ) -> None:
        """Say how to run the project; the arguments are only accepted."""
        _say_how()


def _say_how() -> None:
    if _contract.HAS_HOST:
        Logging.info(_HINT)
    else:
        print(_HINT)
