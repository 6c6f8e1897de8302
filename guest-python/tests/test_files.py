"""File uploads: the file goes first, the row names it, and either both land or neither."""

import io

import pytest
from wit_world.imports import files
from wit_world.imports.operations import Refusal_Invalid, Refusal_Limit

from sluice import FileUpload, InvalidOperation, LimitReached
from sluice import Operations as op
from sluice import _files as sdk

MIB = 1 << 20


@pytest.fixture(autouse=True)
def fresh(host):
    files.landed.clear()
    files.tables.clear()
    files.refuse = None
    sdk._warned.clear()
    host.start([{"table": "docs", "primary_key": ["id"]}])
    yield
    files.refuse = None
    assert files.open_uploads == []


def upload(path="a/b.txt", data=b"abc", expected=None, row=None, operation=op.upsert):
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    operation("docs", {"id": 1} if row is None else row, file=FileUpload(path, stream, expected))


@pytest.mark.parametrize("operation", [op.upsert, op.update])
def test_a_file_lands_with_a_row_that_names_it(host, operation):
    upload(data=bytes(range(256)), operation=operation)
    host.finish()
    assert files.landed == {"a/b.txt": bytes(range(256))}
    assert files.tables == [(None, "docs")]
    assert host.rows("docs") == [{"id": ("integers", 1), "_sluice_file_path": ("texts", "a/b.txt")}]


def test_the_column_is_the_hosts_choice(host, monkeypatch):
    monkeypatch.setattr(files, "column", "_fivetran_file_path")
    upload()
    host.finish()
    assert "_fivetran_file_path" in host.rows("docs")[0]


def test_a_value_of_the_authors_is_replaced_with_one_warning(host):
    row = {"id": 1, "_sluice_file_path": "mine"}
    for _ in range(2):
        upload(row=row)
    host.finish()
    assert [r["_sluice_file_path"] for r in host.rows("docs")] == [("texts", "a/b.txt")] * 2
    assert [level for level, _ in host.log] == ["WARNING"]
    assert row["_sluice_file_path"] == "mine"


class Trickle:
    """A stream whose reads are shorter and longer than asked."""

    def __init__(self, *pieces):
        self.pieces = [*pieces, b""]

    def read(self, size=-1):
        return self.pieces.pop(0)


@pytest.mark.parametrize(
    ("stream", "sizes"),
    [
        (b"", []),
        (b"x" * (5 * MIB), [2 * MIB, 2 * MIB, MIB]),
        (b"x" * (2 * MIB), [2 * MIB]),
        (Trickle(b"ab", b"c"), [3]),
        (Trickle(b"x" * (3 * MIB)), [2 * MIB, MIB]),
    ],
)
def test_chunks(host, monkeypatch, stream, sizes):
    seen = []

    def note(call):
        if call[0] == "write":
            seen.append(len(call[1]))

    monkeypatch.setattr(
        files, "refuse", lambda call: seen.append(len(call[1])) if call[0] == "write" else None
    )
    upload(data=stream)
    assert seen == sizes


@pytest.mark.parametrize(
    "broken",
    [
        {"path": 5},
        {"path": "  "},
        {"path": "a\0b"},
        {"path": "a/"},
        {"path": "a//b"},
        {"data": 5},
        {"expected": True},
        {"expected": 1.0},
        {"expected": -1},
        {"expected": 2**63},
    ],
)
def test_arguments_are_checked(host, broken):
    with pytest.raises(ValueError, match="upsert: "):
        upload(**broken)
    assert files.landed == {}


def test_bytes_are_no_file_and_paths_are_trimmed(host):
    with pytest.raises(ValueError, match="must be a FileUpload"):
        op.upsert("docs", {"id": 1}, file=b"abc")
    assert FileUpload(" a ", io.BytesIO()).path == "a"


def test_text_is_no_content(host):
    with pytest.raises(TypeError, match=r"a/b\.txt must return bytes, not str"):
        upload(data=io.StringIO("abc"))
    assert files.landed == {}


@pytest.mark.parametrize("row", [{"id": 1, "x": "\ud800"}, None, []])
def test_a_row_that_is_refused_takes_its_file_with_it(host, row):
    with pytest.raises((ValueError, AttributeError)):
        op.upsert("docs", row, file=FileUpload("a", io.BytesIO(b"x")))
    assert files.landed == {}


def test_a_stream_that_fails_takes_its_file_with_it(host):
    class Broken:
        def read(self, size=-1):
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        upload(data=Broken())
    host.finish()
    assert files.landed == {}
    assert host.rows("docs") == []


@pytest.mark.parametrize("step", ["begin", "write", "finish"])
@pytest.mark.parametrize(
    ("refusal", "raised"), [(Refusal_Invalid, InvalidOperation), (Refusal_Limit, LimitReached)]
)
def test_refusals_of_the_host(host, step, refusal, raised):
    files.refuse = lambda call: refusal("no") if call[0] == step else None
    with pytest.raises(raised, match="no"):
        upload()


def test_another_size_than_expected(host):
    upload(data=b"abc", expected=3)
    with pytest.raises(ValueError, match="has 3 bytes, but expected_bytes is 4"):
        upload(path="b", data=b"abc", expected=4)
    host.finish()
    assert list(files.landed) == ["a/b.txt"]
    assert len(host.rows("docs")) == 1


def test_the_host_learns_the_table_before_any_byte(host):
    op.upsert("docs", {"id": 1}, schema="sales", file=FileUpload("a", io.BytesIO(b"x")))
    assert files.tables == [("sales", "docs")]
    for table, schema in [("", None), (5, None), ("docs", ""), ("docs", 5)]:
        with pytest.raises((TypeError, ValueError), match=r"upsert: .* name"):
            op.upsert(table, {"id": 1}, schema=schema, file=FileUpload("b", io.BytesIO(b"x")))
    assert len(files.tables) == 1


def test_outside_of_update_nothing_is_taken(host):
    host.finish()
    with pytest.raises(InvalidOperation, match="only while update runs"):
        upload()
