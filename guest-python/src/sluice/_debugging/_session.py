"""One sync of a connector in this process."""

from __future__ import annotations

import bdb
import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from sluice import _calls, _contract
from sluice._connector import Connector
from sluice._debugging import _show
from sluice._debugging._host import Host
from sluice._debugging._places import Project, checked
from sluice._debugging._server import filled
from sluice._errors import InvalidOperation, SluiceError, SyncEnded
from sluice._failure import author_part, describe
from sluice._writer import state_text, writer

NOTE = (
    "note: running natively, without the sandbox: grants for the network and limits of memory, time and "
    "traffic are not enforced; `sluice dev` and `sluice run` do"
)
_STATE_SHOWN = 200


def debug(
    connector: Connector,
    caller: FrameType | None,
    project_path: str | None,
    configuration: dict[str, Any] | None,
    state: dict[str, Any] | None,
    least: int,
) -> BaseException | None:
    """Sync a connector once: `schema`, then `update`, into tables in memory, and show what came of it.

    `least` is the level of the least important message to show, from 0. Returns what is to be raised:
    what the connector raised, its traceback from the author's first frame on.
    """
    if _contract.native is not None:
        raise SluiceError("connector.debug() was called while a sync of this process is under way")
    project = Project(_folder(project_path, caller))
    given = project.configuration() if configuration is None else checked(configuration)
    start = project.state() if state is None else _as_kept(state)
    with filled(given, project.folder) as complete:
        return _Session(connector, project, least).run(complete, start)


class _Session:
    def __init__(self, connector: Connector, project: Project, least: int) -> None:
        self._connector = connector
        self._project = project
        self._least = least
        self._state: str | None = None
        self._declaring = False
        self._host = Host(self._log, self._keep)

    def run(self, configuration: dict[str, str], state: dict[str, Any]) -> BaseException | None:
        """Sync, and show what came of it; what it raised, ready to be raised again."""
        _show.note(NOTE)
        if state:
            place = self._project.state_file
            _show.note(f"note: going on from a state; delete {_relative(place)} to start from the beginning")
        self._state = state_text(state)
        began = time.monotonic()
        error = self._sync(configuration, state)
        took = time.monotonic() - began
        if isinstance(error, (KeyboardInterrupt, bdb.BdbQuit)):
            return error
        self._show(None if error is None else ": ".join(self.failure(error)), took)
        return None if error is None else _to_raise(error)

    def failure(self, error: BaseException) -> tuple[str, str]:
        """Kind and message of what ended the sync, as the other host says them."""
        described = describe(error)
        kind = described.kind
        if isinstance(error, SyncEnded):
            kind = "sync"
        elif self._declaring and isinstance(error, InvalidOperation):
            kind = "schema"
        return kind, described.message

    def _sync(self, configuration: dict[str, str], state: dict[str, Any]) -> BaseException | None:
        was = writer.at_once
        _contract.native = self._host
        try:
            with _OneAtATime():
                writer.at_once = True
                tables = _calls.tables(self._connector, configuration, _settle)
                writer.declare(tables)
                self._declaring = True
                self._host.declare([table.definition() for table in tables])
                self._declaring = False
                _calls.check_update(self._connector)
                writer.begin()
                _calls.update(self._connector, configuration, state, _settle)
                if writer.fatal is not None:
                    raise writer.fatal
                writer.finish()
                self._host.finish()
        except BaseException as error:
            self._host.abandon()
            return error
        finally:
            writer.abandon()
            writer.declare([])
            writer.at_once = was
            _contract.native = None
        return None

    def _keep(self, state: str) -> None:
        self._project.keep(state)
        self._state = state

    def _log(self, level: int, message: str) -> None:
        if level >= self._least:
            _show.log(level, message)

    def _show(self, failure: str | None, took: float) -> None:
        host = self._host
        received = "" if failure is None else " received"
        totals = [
            ("rows", f"{host.rows:,} ({_show.size(host.bytes)}){received}"),
            ("checkpoints", f"{host.checkpoints:,}"),
        ]
        if host.files:
            totals.append(("files", f"{host.files:,} ({_show.size(host.file_bytes)}), not kept natively"))
        state = self._state or "{}"
        if len(state) > _STATE_SHOWN:
            state = f"{state[:_STATE_SHOWN]}…"
        totals += [("time", _show.duration(took)), ("state", state)]
        if host.checkpoints:
            totals.append(("kept in", _relative(self._project.state_file)))
        _show.summary(self._project.connection, failure, host.tables.counts, totals)
        _show.preview(host.tables.tables.values())


class _OneAtATime:
    """While it holds, threads of the connector call operations one after the other, as in the sandbox."""

    _NAMES = ("row", "truncate", "checkpoint", "error")

    def __enter__(self) -> None:
        lock = threading.RLock()
        for name in self._NAMES:
            setattr(writer, name, _locked(lock, getattr(writer, name)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._NAMES:
            delattr(writer, name)


def _locked(lock: AbstractContextManager[Any], work: Callable[..., None]) -> Callable[..., None]:
    def locked(*arguments: Any) -> None:
        with lock:
            work(*arguments)

    return locked


def _settle() -> None:
    """Natively Python itself waits for threads at its end."""


def _as_kept(state: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(state_text(state))
    return kept


def _folder(project_path: str | None, caller: FrameType | None) -> Path:
    if project_path is not None:
        folder = Path(project_path)
        if not folder.is_dir():
            raise ValueError(f"project_path {project_path} is not a folder")
        return folder.resolve()
    file = Path(caller.f_code.co_filename) if caller is not None else Path()
    return file.resolve().parent if file.is_file() else Path.cwd()


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _to_raise(error: BaseException) -> BaseException:
    """The error with the author's part of its traceback; an exit that says that it went wrong."""
    if isinstance(error, SystemExit):
        return SystemExit(1)
    return error.with_traceback(author_part(error.__traceback__))
