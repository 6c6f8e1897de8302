"""The application module of the component: given to componentize-py, imported for the snapshot.

The order counts: threads must be patched before anything takes a lock, HTTP before anything imports it,
everything must be imported before the snapshot is taken, and `freeze` ends it.
"""

# ruff: noqa: E402, I001
from __future__ import annotations

import gc

import sluice._threads

sluice._threads.install()

import sluice._http
import sluice._json
import sluice._loop
import sluice._processes
import sluice._sockets

sluice._processes.install()
sluice._http.install()
sluice._json.install()
sluice._loop.install()
sluice._sockets.install()

import sluice._project
from sluice import _connector, _contract, _drive, _errors, _exports, _logging, _operations, _stdlogging  # noqa: F401
import fivetran_connector_sdk  # noqa: F401

_stdlogging.install()

_EXPORTS = _exports.Exports(
    lambda: sluice._project.load_connector_module(),
    lambda folder: sluice._project.join_connector_module(folder),
    lambda task: sluice._project.compile_modules(task),
    lambda configuration: sluice._project.configure(configuration),
)


class WitWorld(_contract.World):
    """The exports of the world `connector-with-work`."""

    def schema(self, configuration: str) -> list[object]:
        """Declare tables. Raises `componentize_py_types.Err` and nothing else."""
        return _EXPORTS.schema(configuration)

    def sync(self, configuration: str, state: str) -> None:
        """Fetch and send rows. Raises `componentize_py_types.Err` and nothing else."""
        _EXPORTS.sync(configuration, state)

    def form(self) -> object:
        """What to ask for. Raises `componentize_py_types.Err` and nothing else."""
        return _EXPORTS.form()

    def test(self, name: str, configuration: str) -> object:
        """Try a configuration. Raises `componentize_py_types.Err` and nothing else."""
        return _EXPORTS.test(name, configuration)

    def work(self, task: str) -> str:
        """Do a task of another instance, or of the host. Raises `componentize_py_types.Err` only."""
        return _EXPORTS.work(task)


sluice._project.freeze()

# What is in the snapshot lives as long as the guest: the collector need not look at it again,
# which would also make a private copy of every page that it touches.
gc.collect()
gc.freeze()
