"""The exports: how the author's functions are called, and how a sync ends."""

import asyncio
import contextlib
import subprocess
import sys
import types
from pathlib import Path

import pytest
from componentize_py_types import Err
from wit_world.imports.operations import Refusal_Ended

import sluice
from sluice import Connector
from sluice import Operations as op

SRC = Path(sluice.__file__).parent.parent


def sync(host, update, state="{}", configuration="{}"):
    host.exports(connector=Connector(update=update)).sync(configuration, state)


def failure(host, update):
    with pytest.raises(Err) as caught:
        sync(host, update)
    assert type(caught.value) is Err
    return caught.value.value


def test_what_update_gets(host):
    seen = {}

    def update(configuration, state):
        seen.update(configuration=configuration, state=state)

    sync(host, update, '{"a": [1]}', '{"key": "value"}')
    assert seen == {"configuration": {"key": "value"}, "state": {"a": [1]}}
    sync(host, lambda **kwargs: seen.update(kwargs), "{}")
    assert seen["state"] == {}


def test_other_parameter_names_fail(host):
    assert failure(host, lambda config, cursor: None).kind == "TypeError"


def plain(configuration, state):
    op.upsert("t", {"id": 1})
    op.checkpoint({"a": 1})


def generator(configuration, state):
    yield op.upsert("t", {"id": 1})
    yield [op.checkpoint({"a": 1})]


async def coroutine(configuration, state):
    await asyncio.sleep(0.001)
    done = await asyncio.gather(asyncio.sleep(0.002, 1), asyncio.wait_for(asyncio.sleep(0, 2), 1))
    op.upsert("t", {"id": done[0]})
    await asyncio.get_running_loop().run_in_executor(None, op.checkpoint, {"a": 1})


async def async_generator(configuration, state):
    yield op.upsert("t", {"id": 1})
    await asyncio.sleep(0)
    yield op.checkpoint({"a": 1})


def returns_generator(configuration, state):
    return generator(configuration, state)


@pytest.mark.parametrize("update", [plain, generator, coroutine, async_generator, returns_generator])
def test_styles_of_update(host, update):
    sync(host, update)
    assert host.calls == [("upsert", "t", [{"id": ("integers", 1)}]), ("checkpoint", None, '{"a": 1}')]


def test_a_task_that_waits_for_nothing_fails(host):
    async def update(configuration, state):
        await asyncio.get_running_loop().create_future()

    assert "waits" in failure(host, update).message


def test_rows_after_the_last_checkpoint_are_sent(host):
    sync(host, lambda **_: op.upsert("t", {"id": 1}))
    assert [call[0] for call in host.calls] == ["upsert"]


def test_rows_of_a_failed_sync_are_dropped(host):
    def update(configuration, state):
        op.upsert("t", {"id": 1})
        op.checkpoint({})
        op.upsert("t", {"id": 2})
        raise ValueError("no")

    assert failure(host, update).message == "no"
    assert [call[0] for call in host.calls] == ["upsert", "checkpoint"]


def test_a_refusal_of_the_last_rows_fails_the_sync(host):
    host.operations.refuse = lambda call: Refusal_Ended("the disk is full")
    found = failure(host, lambda **_: op.upsert("t", {"id": 1}))
    assert (found.kind, found.message) == ("SyncEnded", "the disk is full")


def test_lost_output_fails_the_sync(host, monkeypatch):
    class Broken:
        def flush(self):
            raise OSError("broken")

    def update(configuration, state):
        monkeypatch.setattr(sys, "stdout", Broken())

    assert failure(host, update).message == "broken"


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("x"), KeyboardInterrupt(), GeneratorExit()])
def test_every_exception_is_a_failure(host, error):
    def update(configuration, state):
        raise error

    found = failure(host, update)
    assert found.kind == type(error).__name__
    assert found.message


def test_the_traceback_shows_the_authors_frames(host):
    def inner():
        raise KeyError("missing thing")

    def update(configuration, state):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            inner()

    found = failure(host, update)
    assert found.kind == "KeyError"
    assert found.message == "missing thing"
    assert "in update" in found.traceback
    assert "in inner" in found.traceback
    assert "ZeroDivisionError" in found.traceback
    assert "sluice/_" not in found.traceback


def test_a_refused_value_shows_the_line_that_passed_it(host):
    found = failure(host, lambda **_: op.upsert("t", {"x": "\ud800"}))
    assert found.kind == "UnicodeEncodeError"
    assert "table t, column x" in found.message
    assert "test_exports.py" in found.traceback


def test_long_and_broken_texts_are_made_to_fit(host):
    def update(configuration, state):
        raise ValueError("ü\ud800" * 100_000)

    found = failure(host, update)
    assert len(found.message.encode()) <= 4096
    assert len(found.traceback.encode()) <= 32768


def test_an_exception_that_cannot_be_shown_is_a_failure_all_the_same(host):
    class Bad(Exception):
        def __str__(self):
            raise RuntimeError

    def update(configuration, state):
        raise Bad

    assert failure(host, update).kind == "Bad"


def test_deep_recursion_is_a_failure(host):
    def update(configuration, state):
        update(configuration, state)

    assert failure(host, update).kind == "RecursionError"


def test_error_ends_the_sync_even_if_it_is_caught(host):
    def update(configuration, state):
        op.upsert("t", {"id": 1})
        with contextlib.suppress(BaseException):
            op.error("the source is gone", trace="line 5")
        try:
            op.checkpoint({})
        except Exception:
            pytest.fail("error must not be an Exception")
        except BaseException:
            pass

    found = failure(host, update)
    assert (found.kind, found.message, found.traceback) == ("op.error", "the source is gone", "line 5")
    assert host.calls == []


@pytest.mark.parametrize("call", [op.error, op.warning])
@pytest.mark.parametrize(("message", "kind"), [(3, "TypeError"), (" ", "ValueError"), (None, "TypeError")])
def test_messages_are_checked(host, call, message, kind):
    assert failure(host, lambda **_: call(message)).kind == kind


def test_a_warning_goes_to_the_log(host):
    sync(host, lambda **_: op.warning("careful"))
    assert host.log == [("WARNING", "careful")]


def test_operations_are_refused_in_schema(host):
    def schema(configuration):
        op.upsert("t", {"id": 1})

    with pytest.raises(Err) as caught:
        host.exports(connector=Connector(plain, schema)).schema("{}")
    assert caught.value.value.kind == "InvalidOperation"


def test_the_project_is_loaded_once_and_its_failure_is_shown(host):
    loads = []

    def load():
        loads.append(1)
        return types.SimpleNamespace(connector=Connector(plain, lambda c: []))

    exports = sluice._exports.Exports(load)
    exports.schema("{}")
    exports.sync("{}", "{}")
    assert loads == [1]

    def broken():
        raise ModuleNotFoundError("No module named 'nope'")

    with pytest.raises(Err) as caught:
        sluice._exports.Exports(broken).schema("{}")
    assert caught.value.value.kind == "ModuleNotFoundError"


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ({}, "connector = Connector"),
        ({"conn": Connector(plain)}, "`conn`"),
        ({"connector": 5}, "int"),
        ({"connector": Connector(None)}, "update"),
    ],
)
def test_a_project_without_a_connector_gets_a_hint(host, names, hint):
    with pytest.raises(Err) as caught:
        host.exports(**names).sync("{}", "{}")
    assert hint in caught.value.value.message


@pytest.mark.parametrize(
    ("configuration", "state"), [("[]", "{}"), ('{"a": 5}', "{}"), ("{}", "[]"), ("{", "{}")]
)
def test_bad_input_is_a_failure(host, configuration, state):
    with pytest.raises(Err):
        host.exports(connector=Connector(plain)).sync(configuration, state)


def test_debug_and_run_only_talk(host):
    connector = Connector(plain)
    assert connector.debug(configuration={"a": "b"}) is None
    assert connector.run(50049) is None
    assert [level for level, _ in host.log] == ["INFO", "INFO"]
    assert "sluice run" in host.log[0][1]


def test_names_of_the_connector_type():
    assert type(Connector(plain)).__name__ == "Connector"
    assert type(Connector(plain)).__module__ == "fivetran_connector_sdk"
    assert sorted(sluice.__all__) == sluice.__all__


NATIVE = """
from fivetran_connector_sdk import Connector, Operations as op, Logging as log
connector = Connector(update=lambda configuration, state: None)
assert connector.debug() is None
log.info(5)
log.error("bad", ValueError("x"))
try:
    op.upsert("t", {"id": 1})
except Exception as error:
    print(type(error).__name__)
"""


def test_without_a_host_everything_imports(tmp_path):
    environment = {"PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-c", NATIVE],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "succeeded, natively" in done.stdout
    assert done.stdout.endswith("InvalidOperation\n")
    assert "INFO 5" in done.stderr
    assert "ERROR bad" in done.stderr


GUEST = """
import sys, types
calls = []
for name, entries in {
    "sluice._http": {"install": lambda: calls.append(("install", "sluice._operations" in sys.modules))},
    "sluice._project": {
        "freeze": lambda: calls.append(("freeze", "fivetran_connector_sdk" in sys.modules)),
        "configure": lambda configuration: calls.append(("configure", configuration)),
        "load_connector_module": lambda: types.SimpleNamespace(),
    },
    # over sockets, and so over the rest of the contract
    "sluice._loop": {"install": lambda: None},
}.items():
    module = types.ModuleType(name)
    vars(module).update(entries)
    sys.modules[name] = module
    setattr(__import__("sluice"), name.split(".")[1], module)
import wit_world, componentize_py_types
from sluice import _guest
assert [name for name, _ in calls] == ["install", "freeze"], calls
assert calls[1][1]
world = _guest.WitWorld()
assert wit_world.WitWorld in type(world).__mro__
try:
    world.sync("{}", "{}")
except componentize_py_types.Err as error:
    print(error.value.kind)
assert calls[2:] == [("configure", "{}")], calls
"""


def test_the_application_module(tmp_path):
    path = f"{SRC}:{Path(__file__).parent / 'fakes'}"
    done = subprocess.run(
        [sys.executable, "-c", GUEST],
        env={"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("ValueError\n", "")
