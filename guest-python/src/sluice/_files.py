"""File uploads: a file that lands together with the row that describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sluice import _contract
from sluice._logging import Logging
from sluice._names import check_name

CHUNK_BYTES = 2 << 20
MAX_EXPECTED_BYTES = 2**63 - 1


@runtime_checkable
class ByteStream(Protocol):
    """Anything with `read(size)` that returns bytes, and no bytes at its end."""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes."""
        ...


@dataclass(frozen=True)
class FileUpload:
    """A file to land with a row: `op.upsert(table, row, file=FileUpload(path, stream))`.

    `path` is where it lands below the connection's folder of files: names with `/` between them,
    relative, without `..`. `stream` is read to its end; it may be an open file, `io.BytesIO`, or
    anything else with `read`. When `expected_bytes` is given, another number of bytes is an error.
    """

    path: str
    stream: ByteStream
    expected_bytes: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            object.__setattr__(self, "path", self.path.strip())


def upload(operation: str, send: Callable[..., None], schema: Any, table: Any, data: Any, file: Any) -> None:
    """Land a file and the row that describes it, together, with the next checkpoint.

    `send` is the operation's function for the row, which gets one more column with the file's path. Nothing
    lands when anything here raises.
    """
    file = _checked(operation, file)
    table = check_name(table, f"{operation}: table name")
    if schema is not None:
        schema = check_name(schema, f"{operation}: schema name of table {table}")
    with _contract.Upload(schema, table, file.path, file.expected_bytes) as incoming:
        size = 0
        for chunk in _chunks(operation, file):
            incoming.write(chunk)
            size += len(chunk)
        if file.expected_bytes not in (None, size):
            place = f"{operation}: the file {file.path}"
            raise ValueError(f"{place} has {size} bytes, but expected_bytes is {file.expected_bytes}")
        # the row before the end of the file: a row that is refused takes the file with it
        send(table, _with_path(operation, table, data, file.path), schema=schema)
        incoming.finish()


def _chunks(operation: str, file: FileUpload) -> Iterator[bytes]:
    """The stream in pieces of `CHUNK_BYTES` and a last one; none for an empty stream."""
    held = bytearray()
    while True:
        piece = file.stream.read(CHUNK_BYTES - len(held))
        if not isinstance(piece, bytes):
            kind = type(piece).__name__
            raise TypeError(f"{operation}: read() of the file {file.path} must return bytes, not {kind}")
        held += piece
        while len(held) >= CHUNK_BYTES or (held and not piece):
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
        if not piece:
            return


def _with_path(operation: str, table: Any, data: Any, path: str) -> Any:
    items = getattr(data, "items", None)
    if not callable(items):
        # refused with the message of every other row
        return data
    column = _contract.path_column()
    row = dict(items())
    if column in row and column not in _warned:
        _warned.add(column)
        Logging.warning(
            f"{operation} to table {table}: the file's path replaces the value of column {column}"
        )
    row[column] = path
    return row


_warned: set[str] = set()


def _checked(operation: str, file: Any) -> FileUpload:
    """`file` if it can be uploaded; raises ValueError that says what to change otherwise."""
    if not isinstance(file, FileUpload):
        raise ValueError(f"{operation}: file must be a FileUpload, not {type(file).__name__}")
    if not isinstance(file.path, str):
        raise ValueError(f"{operation}: the path of a file must be a str, not {type(file.path).__name__}")
    if not file.path or "\0" in file.path or file.path.endswith("/") or "//" in file.path:
        raise ValueError(f"{operation}: the path of a file must be names with single / between them")
    if not isinstance(file.stream, ByteStream):
        kind = type(file.stream).__name__
        raise ValueError(f"{operation}: the stream of a file must have read(), but it is a {kind}")
    expected = file.expected_bytes
    if expected is not None and (type(expected) is not int or not 0 <= expected <= MAX_EXPECTED_BYTES):
        raise ValueError(f"{operation}: expected_bytes of a file must be None or a count from 0 to 2**63 - 1")
    return file
