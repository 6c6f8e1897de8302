"""`Connector`: what a project's connector.py defines under the name `connector`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from sluice import _contract
from sluice._elsewhere import PromptMode, not_here
from sluice._logging import Logging

_HOW_TO_RUN = "a connector does not run by itself: use `sluice run <project>`"
_HOW_TO_CONFIGURE = "a connector does not ask by itself: use `sluice configure <project>`"
_CALLED_DIRECTLY = "a host calls the functions given to Connector, there is no gRPC service"


class Connector:
    """The functions that make up a connector.

    `update(configuration, state)` fetches rows and sends them through `Operations`. It is called
    with keyword arguments and may be a plain function, a generator, a coroutine or an async
    generator. `schema(configuration)`, if given, returns a list of dicts that declare tables.
    `configuration_form()`, if given, returns the `ConfigurationForm` that `sluice configure` shows.
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
        """Sync once in this process, for debuggers: breakpoints stop in your own frames.

        `schema` and then `update` run natively, with the checks of a sync in the sandbox, and rows land in
        tables in memory, of which some are shown. Neither grants for the network nor limits of memory
        and time hold. Raises what the connector raises, after the summary.

        `configuration` is a flat dict of strings, configuration.json by default. `state` is the state to
        start from, by default that of the last checkpoint, kept in `.sluice/native` of the project.
        `project_path` is the project's folder, that of the calling file by default. Messages below
        `log_level` are not shown. `naming` is only accepted.

        In the sandbox it does nothing: there `sluice` calls the functions.
        """
        if _contract.HAS_HOST:
            _say(_HOW_TO_RUN)
            return
        from sluice._debugging import debug

        caller = sys._getframe(1)
        failed = debug(self, caller, project_path, configuration, state, int(log_level) - 1)
        if failed is not None:
            raise failed

    def run(
        self,
        port: int = 50049,
        configuration: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        log_level: Logging.Level = Logging.Level.INFO,
    ) -> None:
        """Say how to run the project; the arguments are only accepted."""
        _say(_HOW_TO_RUN)

    def generate_configuration(
        self, project_path: str, run_tests: bool = False, disable_encryption: bool = False
    ) -> None:
        """Say how to fill in the form; the arguments are only accepted."""
        _say(_HOW_TO_CONFIGURE)

    def deploy(
        self,
        project_path: str,
        deploy_key: str,
        group: str,
        connection: str,
        hd_agent_id: str,
        configuration: dict[str, Any] | None = None,
        config_path: str | None = None,
        python_version: str | None = None,
        prompt_mode: PromptMode = PromptMode.INTERACTIVE,
        naming: str | None = None,
        proxy_id: str | None = None,
        proxy_host_config_key: str | None = None,
        target_package_id: str | None = None,
    ) -> NoReturn:
        """Raise NotImplementedError: nothing is deployed to a service here."""
        raise not_here("Connector.deploy", "`sluice build <project>` makes a component, which any host runs")

    def ConfigurationForm(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Raise NotImplementedError: the function given as `configuration_form` is called instead."""
        raise not_here("Connector.ConfigurationForm", _CALLED_DIRECTLY)

    def Test(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Raise NotImplementedError: the functions given to `add_test` are called instead."""
        raise not_here("Connector.Test", _CALLED_DIRECTLY)

    def Schema(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Raise NotImplementedError: the function given as `schema` is called instead."""
        raise not_here("Connector.Schema", _CALLED_DIRECTLY)

    def Update(self, request: Any, context: Any) -> NoReturn:  # noqa: N802
        """Raise NotImplementedError: the function given as `update` is called instead."""
        raise not_here("Connector.Update", _CALLED_DIRECTLY)


def _say(hint: str) -> None:
    if _contract.HAS_HOST:
        Logging.info(hint)
    else:
        print(hint)
