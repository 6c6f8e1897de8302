"""`connector.debug()` natively: each connector is a program of its own, as its author starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
HEAD = "from fivetran_connector_sdk import Connector, Logging as log, Operations as op\n"
TAIL = '\nif __name__ == "__main__":\n    connector.debug()\n'
ORDERS = """
def schema(configuration):
    return [{"table": "orders", "primary_key": ["id"], "columns": {"at": "UTC_DATETIME"}}]

def update(configuration, state):
    for number in range(state.get("next", 1), 4):
        op.upsert("orders", {"id": number, "at": f"2024-01-0{number}T00:00:00Z", "price": 1.5})
        op.checkpoint({"next": number + 1})
    op.delete("orders", {"id": 2})
    log.info(f"hello {configuration.get('name')}")

connector = Connector(update=update, schema=schema)
"""


class Project:
    def __init__(self, folder):
        self.folder = folder

    def write(self, body, tail=TAIL, **files):
        (self.folder / "connector.py").write_text(HEAD + body + tail)
        for name, content in files.items():
            (self.folder / name.replace("__", ".")).write_text(content)

    def run(self, *command, given=None, cwd=None):
        return subprocess.run(
            [sys.executable, *(command or ("connector.py",))],
            cwd=cwd or self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def state(self):
        return json.loads((self.folder / ".sluice/native/shop.json").read_text())


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "Shop"
    folder.mkdir()
    return Project(folder)


def failing(project, body, **files):
    """The last line of a connector that must fail with a traceback, and all that it said."""
    project.write(body + "\nconnector = Connector(update=update)\n", **files)
    done = project.run()
    assert done.returncode == 1, done
    return done.stderr.strip().splitlines()[-1], done.stdout + done.stderr


def test_rows_land_and_are_shown(project):
    project.write(ORDERS, configuration__json='{"name": "Ada"}')
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "without the sandbox" in done.stderr.splitlines()[0]
    assert "INFO     hello Ada" in done.stderr
    assert "sync of shop succeeded, natively" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["orders", "3", "0", "1", "0"] in lines
    assert ["1", "2024-01-01T00:00:00.000000Z", "1.5", "0"] in lines
    assert ["2", "2024-01-02T00:00:00.000000Z", "1.5", "1"] in lines
    assert project.state == {"next": 4}
    assert (project.folder / ".sluice/.gitignore").read_text() == "*\n"


def test_the_next_run_goes_on_from_the_state(project):
    project.write(ORDERS)
    project.run()
    again = project.run()
    assert "going on from a state" in again.stderr
    assert "orders (0 rows)" in again.stdout
    project.write(ORDERS, tail="\nconnector.debug(state={'next': 3}, configuration={'name': 'x'})\n")
    assert "orders (1 row)" in project.run("Shop/connector.py", cwd=project.folder.parent).stdout


def test_a_failure_is_the_authors_own_exception(project):
    body = """
def update(configuration, state):
    op.upsert("t", {"id": 1})
    op.checkpoint({"at": 1})
    op.upsert("t", {"id": 2})
    raise ValueError("bad page")
"""
    last, said = failing(project, body)
    assert last == "ValueError: bad page"
    assert "failed in the connector, natively\n  ValueError: bad page" in said
    assert "t (1 row)" in said, "what came after the checkpoint is discarded"
    frames = [line for line in said.splitlines() if line.startswith("  File ")]
    assert [Path(line.split('"')[1]).name for line in frames] == [
        "connector.py",
        "_connector.py",
        "connector.py",
    ]
    assert project.state == {"at": 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('op.upsert("t", {"id": 1, "x": float("nan")}); op.checkpoint({"x": float("nan")})', "NaN"),
        ('op.upsert("t", {"a": 1, "A": 2})', 'SyncEnded: table t, column A: "a" is already stored under'),
        ('op.upsert("t", {"_sluice_id": 1})', "SyncEnded: table t, column _sluice_id: column name"),
        ('op.checkpoint({"x": "y" * 2**20})', "InvalidOperation: the state of a checkpoint is 1048585 bytes"),
        ('op.upsert("t", {"id": 1, "x": "y" * 2**20})', "InvalidOperation: table t: a row of 1048584 bytes"),
        ('op.upsert("t", {"id": {1: object()}})', "TypeError: table t, column id: not a JSON value"),
        ('op.checkpoint(["x"])', "TypeError: checkpoint: state must be a dict, not list"),
        ('op.error("no good")', "AuthorError: no good"),
    ],
)
def test_what_is_refused_names_the_line(project, line, expected):
    last, said = failing(project, f"def update(configuration, state):\n    {line}\n")
    assert expected in last
    assert line in said, "the traceback shows the line that was refused"


def test_a_refusal_that_is_swallowed_still_ends_the_sync(project):
    body = """
def update(configuration, state):
    try:
        op.upsert("t", {"a": 1, "A": 2})
    except Exception:
        pass
"""
    assert "SyncEnded: table t, column A" in failing(project, body)[0]
    swallowed = body.replace('op.upsert("t", {"a": 1, "A": 2})', 'op.error("no")').replace("Exc", "BaseExc")
    assert "AuthorError: no" in failing(project, swallowed)[0]


def test_an_exit_is_a_failure(project):
    _, said = failing(project, "import sys\ndef update(configuration, state):\n    sys.exit(0)\n")
    assert "sys.exit(0) was called" in said


def test_operations_outside_of_update(project):
    body = ORDERS.replace("    return [", "    op.upsert('orders', {})\n    return [")
    project.write(body)
    done = project.run()
    assert "InvalidOperation: upsert works only while update runs, call it from there" in done.stderr
    assert done.returncode == 1
    project.write(ORDERS, tail="\nconnector.debug()\nop.upsert('orders', {'id': 1})\n")
    assert "InvalidOperation: upsert works only while update runs" in project.run().stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 4711}', "configuration's `a` is a number; every value must be a string"),
        (
            '{"a": ["4711"]}',
            "`a` is a list; every value must be a string, so write it in quotes as JSON text",
        ),
        ("[]", "must be a JSON object of strings"),
        ("{\n4711}", "not valid JSON (line 2"),
    ],
)
def test_configurations_are_held_to_the_same_form(project, text, expected):
    last, _ = failing(project, "def update(configuration, state):\n    pass\n", configuration__json=text)
    assert expected in last
    assert "4711" not in last


def test_async_threads_and_generators(project):
    body = """
import asyncio, concurrent.futures

async def fetch(number):
    await asyncio.to_thread(lambda: None)
    return number

async def update(configuration, state):
    for number in await asyncio.gather(*map(fetch, range(5))):
        op.upsert("a", {"id": number})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: op.upsert("b", {"id": n, str(n % 7): n}), range(200)))
    yield op.checkpoint({})

connector = Connector(update=update)
"""
    project.write(body)
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "a (5 rows)" in done.stdout
    assert "b (200 rows)" in done.stdout


def test_a_process_of_a_pool_sends_nothing(project):
    body = """
import multiprocessing

def send(number):
    op.upsert("t", {"id": number})

def update(configuration, state):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(send, [1])
"""
    assert "return what there is to send, and send it in update" in failing(project, body)[0]


def test_files_are_checked_and_not_kept(project):
    body = """
import io
from fivetran_connector_sdk import FileUpload
def update(configuration, state):
    op.upsert("t", {"id": 1}, file=FileUpload("a/b.txt", io.BytesIO(b"12345")))
    try:
        op.upsert("t", {"id": 2}, file=FileUpload("../b.txt", io.BytesIO(b"")))
    except ValueError as error:
        log.warning(error)
connector = Connector(update=update)
"""
    project.write(body)
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "1 (5 B), not kept natively" in done.stdout
    assert "a/b.txt" in done.stdout
    assert "the path of a file has an empty name, . or .. in it" in done.stderr


def test_the_stand_in_of_the_project_is_started(project):
    (project.folder / "tests").mkdir()
    (project.folder / "tests/server.py").write_text(
        "import time\nprint('http://127.0.0.1:1', flush=True)\ntime.sleep(600)\n"
    )
    body = "def update(configuration, state):\n    log.info(configuration['url'])\n"
    body += "connector = Connector(update=update)"
    project.write(body, configuration__json='{"url": "${server}/x"}')
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:1/x" in done.stderr


def test_a_debugger_stops_in_the_authors_frames(project):
    project.write(
        ORDERS.replace('    op.delete("orders"', '    mark = "here"; breakpoint()\n    op.delete("orders"')
    )
    done = project.run(given="p mark\np number\nc\n")
    assert "'here'" in done.stdout
    assert "connector.py" in done.stdout
    assert done.returncode == 0, done.stderr
    project.write(
        "def update(configuration, state):\n    inside = 42\n    raise ValueError\n"
        "connector = Connector(update)"
    )
    done = project.run("-m", "pdb", "-c", "continue", "connector.py", given="p inside\nq\n")
    assert "42" in done.stdout, "a post-mortem is in the author's frame"


def test_what_terminals_act_on_is_written_out(project):
    project.write(
        "def update(configuration, state):\n    op.upsert('t', {'x': '\\x1b[2J\\u202e'})\n"
        "    log.info('\\x1b[2J')\n"
        "connector = Connector(update=update)"
    )
    done = project.run()
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout
    assert "\\x1b[2J\\u{202e}" in done.stdout


def test_memory_is_bounded(project):
    body = """
from sluice._debugging import _tables
_tables.Limits.__new__.__defaults__ = (1500, 10, 1 << 20)
def update(configuration, state):
    for number in range(11):
        op.upsert("t", {"id": number})
"""
    last, _ = failing(project, body)
    assert last.endswith("LimitReached: rows in memory limit reached (10)")


def test_types_for_editors(project):
    project.write(ORDERS)
    code = "import fivetran_connector_sdk as sdk; print(sdk.Operations.upsert.__doc__)"
    assert "Insert a row" in project.run("-c", code).stdout
    for package in ("sluice", "fivetran_connector_sdk"):
        assert (SRC / package / "py.typed").exists()
