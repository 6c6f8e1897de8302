"""Native tests: the SDK on top of fake bindings, which are strict where the real ones would abort."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS.parent / "src"), str(TESTS / "fakes")]

from types import SimpleNamespace  # noqa: E402

import pytest  # noqa: E402
from wit_world.imports import logging as host_log  # noqa: E402
from wit_world.imports import operations, types  # noqa: E402

from sluice import _schema  # noqa: E402
from sluice._exports import Exports  # noqa: E402
from sluice._writer import writer  # noqa: E402


@pytest.fixture
def host():
    """The fake host: what it was called with, and what it is to refuse."""
    operations.calls.clear()
    operations.refuse = None
    operations.tolerated = operations.Tolerated(False, False)
    host_log.lines.clear()
    yield Host()
    operations.refuse = None
    writer.abandon()
    writer.declare([])


class Host:
    types = types
    operations = operations
    log = host_log.lines

    @property
    def calls(self):
        """Every call as (name, table or None, rows or None); rows as dicts of (kind, value)."""
        return [self._shown(call) for call in operations.calls]

    @property
    def batches(self):
        return [call[2] for call in operations.calls if len(call) == 3]

    def rows(self, table="t"):
        return [row for _, name, rows in self.calls if name == table and rows for row in rows]

    def start(self, schema=()):
        writer.declare(_schema.parse(list(schema)))
        writer.begin()

    def finish(self):
        writer.finish()

    def exports(self, **names):
        return Exports(lambda: SimpleNamespace(**names))

    @staticmethod
    def _shown(call):
        if call[0] == "checkpoint":
            return call[0], None, call[1]
        table = call[1].name if call[1].schema is None else f"{call[1].schema}.{call[1].name}"
        if len(call) == 2:
            return call[0], table, None
        rows = [{} for _ in range(call[2].rows)]
        for column in call[2].columns:
            case = type(column.values).__name__.removeprefix("Values_").lower()
            for i, value in enumerate(column.values.value):
                shown = (case, value)
                if case == "mixed":
                    shown = (
                        type(value).__name__.removeprefix("Value_").lower(),
                        getattr(value, "value", None),
                    )
                rows[i][column.name] = None if i in column.nulls or shown[0] == "null" else shown
        return call[0], table, rows
