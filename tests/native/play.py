"""Plays programs on the native host: ``play.py SDK MANY`` reads one a line and writes what came of it.

A program is {"schema": [...], "operations": [...]}, in the form of tests/guests/many/program.py. What is
written has the tables as the tests read them from a database, floats as the hexadecimal digits of their bits.
"""

import contextlib
import json
import struct
import sys
import tempfile
from pathlib import Path

sys.path[:0] = sys.argv[1:3]

import program  # noqa: E402

from sluice._connector import Connector  # noqa: E402
from sluice._debugging import _session, _show, _types, _values  # noqa: E402
from sluice._debugging._places import Project  # noqa: E402


def play(case, folder):
    lines = []
    connector = Connector(update=program.program, schema=program.declaration)
    configuration = {name: json.dumps(case[name]) for name in ("schema", "operations")}
    session = _session._Session(connector, Project(folder), 0)
    session._state = "{}"
    _show.log = lambda level, text: lines.append(text)
    error = session._sync(configuration, {})
    failure = None if error is None else dict(zip(("kind", "message"), session.failure(error), strict=True))
    return {
        "failure": failure,
        "raised": [line for line in lines if line.startswith("raised ")],
        "state": json.loads(session._state),
        "tables": {name: shown(table) for name, table in session._host.tables.tables.items()},
    }


def shown(table):
    return {
        "source": table.source,
        "hashed": not table.key,
        "columns": {
            column.name: {
                "source": column.source,
                "type": None if column.type is None else _types.type_name(column.type),
                "key": column.name in table.key,
            }
            for column in table.columns.values()
        },
        "rows": [row_of(table, row) for row in table.rows.values()],
    }


def row_of(table, row):
    cells = {name: cell(row.cells.get(name), column.type) for name, column in table.columns.items()}
    if table.has_ids:
        cells["_sluice_id"] = row.id
    return {**cells, "_sluice_deleted": int(row.deleted)}


def cell(value, data_type):
    if value is None:
        return None
    stored = _values.stored(value, data_type)
    if isinstance(stored, float):
        return {"bits": struct.pack(">d", stored).hex()}
    if isinstance(stored, bytes):
        return {"$py": "bytes", "v": stored.hex()}
    return stored


with tempfile.TemporaryDirectory() as folder:
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            outcome = play(json.loads(line), Path(folder))
        print(json.dumps(outcome), flush=True)
