"""What the component's exports do, without the bindings' way of saying it."""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from sluice import _calls, _contract, _drive
from sluice._connector import Connector
from sluice._failure import describe
from sluice._form import ConfigurationForm, TestResult
from sluice._processes import _contract as _host
from sluice._processes import _worker
from sluice._threads import scheduler
from sluice._writer import writer

T = TypeVar("T")

Load = Callable[[], ModuleType]


class Exports:
    """The exports of one instance: `schema` and then `sync`, or `form`, or `test`, or `work` over and over.

    `load` imports the project's connector.py; it is called once, in the first export call. `join` does
    that in an instance that works for another, in the folder that it is given. `prepare` does a task of
    the host, which is a JSON object. `configure` hears the configuration of a call before `load`.
    """

    def __init__(
        self,
        load: Load,
        join: Callable[[str], None] = lambda folder: None,
        prepare: Callable[[str], str] = lambda task: task,
        configure: Callable[[str], None] = lambda configuration: None,
    ) -> None:
        self._load = load
        self._join = join
        self._prepare = prepare
        self._configure = configure
        self._connector: Connector | None = None
        self._form: ConfigurationForm | None = None
        self._started = False

    def schema(self, configuration: str) -> list[Any]:
        """The export `schema`; raises the bindings' `Err` and nothing else."""
        return self._guard(lambda: self._schema(configuration))

    def sync(self, configuration: str, state: str) -> None:
        """The export `sync`; raises the bindings' `Err` and nothing else."""
        return self._guard(lambda: self._sync(configuration, state))

    def form(self) -> Any:
        """The export `form`; raises the bindings' `Err` and nothing else."""
        return self._guard(lambda: _contract.setup_form(self._setup()))

    def test(self, name: str, configuration: str) -> Any:
        """The export `test`; raises the bindings' `Err` and nothing else."""
        return self._guard(lambda: _contract.test_outcome(self._test(name, configuration)))

    def work(self, task: str) -> str:
        """The export `work`; raises the bindings' `Err` and nothing else."""
        writer.reason = (
            "and this is a task of a process pool: return what there is to send, and send it in update"
        )
        if task.startswith("{"):
            return self._guard(lambda: self._prepare(task))
        return self._guard(lambda: _worker.work(task, self._join))

    def _guard(self, work: Callable[[], T]) -> T:
        try:
            try:
                self._start()
                result = work()
            finally:
                scheduler.forget()
                writer.abandon()
            _flush_streams()
        except BaseException as error:
            failed = _contract.failure(*describe(error))
            with contextlib.suppress(BaseException):
                _flush_streams()
        else:
            return result
        # outside the handler, so that the failure does not drag the author's frames along
        raise failed

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        _host.running = True
        # the state of the generator is the same in every instance of a snapshot
        random.seed()
        sys.stdout, sys.stderr = _whole(sys.stdout), _whole(sys.stderr)

    def _schema(self, configuration: str) -> list[Any]:
        self._configure(configuration)
        tables = _calls.tables(self._project(), _configuration(configuration), _finish_threads)
        writer.declare(tables)
        return [_contract.table_definition(table.definition()) for table in tables]

    def _sync(self, configuration: str, state: str) -> None:
        self._configure(configuration)
        connector = self._project()
        _calls.check_update(connector)
        writer.begin()
        _calls.update(connector, _configuration(configuration), _state(state), _finish_threads)
        if writer.fatal is not None:
            raise writer.fatal
        writer.finish()

    def _setup(self) -> ConfigurationForm:
        if self._form is None:
            ask = self._project().configuration_form_method
            form = ConfigurationForm() if ask is None else _drive.finish(ask())
            if not isinstance(form, ConfigurationForm):
                found = type(form).__name__
                raise TypeError(f"configuration_form must return a ConfigurationForm, not {found}")
            self._form = form
        return self._form

    def _test(self, name: str, configuration: str) -> str | None:
        self._configure(configuration)
        found = self._setup().tests.get(name)
        if found is None:
            raise ValueError(f"the form has no test named {name}")
        answer = _drive.finish(found[1](_configuration(configuration)))
        _finish_threads()
        if isinstance(answer, TestResult):
            return answer.failure
        return f"test {name} must return Test.success() or Test.failure(...), not {type(answer).__name__}"

    def _project(self) -> Connector:
        if self._connector is None:
            self._connector = find_connector(self._load())
        return self._connector


def _finish_threads() -> None:
    """Run what was started and nobody waited for; raise what could not go on, caught or not."""
    scheduler.finish()
    if scheduler.failure is not None:
        raise scheduler.failure


def find_connector(module: ModuleType) -> Connector:
    """The `connector` of a project's module; raises TypeError or ValueError with a hint."""
    found = getattr(module, "connector", None)
    if isinstance(found, Connector):
        return found
    others = [name for name, value in vars(module).items() if isinstance(value, Connector)]
    if others:
        raise ValueError(f"connector.py names its Connector `{others[0]}`, name it `connector`")
    if found is not None:
        kind = type(found).__name__
        raise TypeError(f"`connector` in connector.py must be a Connector, not {kind}")
    raise ValueError("connector.py defines no connector, add: connector = Connector(update=update)")


def _configuration(text: str) -> dict[str, str]:
    configuration = json.loads(text)
    if not isinstance(configuration, dict):
        raise TypeError("the host passed a configuration that is not an object")
    for name, value in configuration.items():
        if not isinstance(value, str):
            raise TypeError(f"configuration value {name} must be text, not {type(value).__name__}")
    return configuration


def _state(text: str) -> dict[str, Any]:
    state = json.loads(text) if text else {}
    if state is None:
        return {}
    if not isinstance(state, dict):
        raise TypeError("the host passed a state that is not an object")
    return state


def _whole(stream: Any) -> Any:
    """A stream that writes lines, all of them.

    The guest's own writes to the raw file, which takes 64 KiB at a time: the rest of a longer
    text would be lost with its line break, and the next line with it.
    """
    raw = getattr(stream, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        buffered = io.BufferedWriter(raw)
        whole = io.TextIOWrapper(buffered, "utf-8", errors="backslashreplace", line_buffering=True)
        # both write to one file, which the first that nothing refers to would close
        _kept.extend((stream, whole))
        return whole
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True, errors="backslashreplace")
    return stream


_kept: list[Any] = []


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        # None where there is no such stream
        if stream is not None:
            stream.flush()
