"""The generated bindings of `sluice:connector`, wrapped. Nothing else imports them.

Without bindings (in an editor, in a native test without the fakes) this module still imports,
`HAS_HOST` is false, and calls to the host go to `native` or, when there is none, raise `SluiceError`.

The bindings abort the whole guest when they meet a value of a wrong type, where Python cannot
see it. Callers pass only exact `str`, `int`, `float`, `bool`, `bytes` and `list`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sluice._errors import InvalidOperation, LimitReached, SluiceError, SyncEnded
from sluice._form import ConfigurationForm, Field

HAS_HOST: bool
_types: Any = None
_operations: Any = None
_files: Any = None
_logging: Any = None
_Err: Any = None

try:
    import componentize_py_types
    import wit_world
    import wit_world.imports.files
    import wit_world.imports.logging
    import wit_world.imports.operations
    import wit_world.imports.types
except ModuleNotFoundError:
    HAS_HOST = False
else:
    HAS_HOST = True
    _types = wit_world.imports.types
    _operations = wit_world.imports.operations
    _files = wit_world.imports.files
    _logging = wit_world.imports.logging
    _Err = componentize_py_types.Err

if TYPE_CHECKING:
    from sluice._columns import Taken

    class World:
        """The class whose methods are the component's exports."""
else:
    World = wit_world.WitWorld if HAS_HOST else object

KINDS = {
    "booleans": ("Boolean", bool),
    "integers": ("Integer", int),
    "floats": ("Float", float),
    "texts": ("Text", str),
    "blobs": ("Blob", bytes),
    "json": ("Json", str),
    "decimals": ("Decimal", str),
    "dates": ("Date", int),
    "datetimes": ("Datetime", int),
    "timestamps": ("Timestamp", int),
}
"""The kinds of a value: the contract's names, and the exact Python type that crosses."""

WIRE_TYPES: dict[str, type] = {kind: wire for kind, (_, wire) in KINDS.items()}

_LEVELS = ("DEBUG", "FINE", "INFO", "WARNING", "ERROR", "SEVERE", "CRITICAL")


class DataType(NamedTuple):
    """A declared type: the contract's case, for example `NaiveDate`; for `Decimal` its size."""

    case: str
    size: tuple[int, int] | None = None


class Table(NamedTuple):
    """One declared table as it crosses to the host."""

    schema: str | None
    name: str
    primary_key: Sequence[str]
    columns: Sequence[tuple[str, DataType | None]]


class Incoming(Protocol):
    """The file of a row, on its way to a host in this process; see `Upload`."""

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None: ...

    def discard(self) -> None: ...


class Native(Protocol):
    """A host in this process, which takes what the one outside of a component does.

    Every method but `log` and `path_column` raises the exception of a refusal.
    """

    path_column: str

    def send(
        self, operation: str, schema: str | None, table: str, rows: int, columns: Iterable[Taken]
    ) -> None: ...

    def truncate(self, schema: str | None, table: str) -> None: ...

    def checkpoint(self, state: str) -> None: ...

    def upload(self, schema: str | None, table: str, path: str, expected: int | None) -> Incoming: ...

    def log(self, level: int, message: str) -> None: ...


native: Native | None = None
"""Takes the calls where there is no host outside."""


def send(operation: str, schema: str | None, table: str, rows: int, columns: Iterable[Taken]) -> None:
    """Give one batch to the host. `operation` is `upsert`, `update` or `delete`.

    Each column is a `sluice._columns.Taken`. Raises the exception of a refusal.
    """
    if native is not None:
        native.send(operation, schema, table, rows, columns)
        return
    _need_host()
    made = [_types.Column(name, _values(kind, values, rows), nulls) for name, kind, values, nulls in columns]
    batch = _types.Batch(rows, made)
    _call(getattr(_operations, operation), _types.TableName(schema, table), batch)


def refused(reason: int, text: str) -> None:
    """Raise the exception of a refusal, by the number of its case in the contract."""
    case = (InvalidOperation, LimitReached, SyncEnded)[reason]
    raise case(text)


def truncate(schema: str | None, table: str) -> None:
    """Mark the rows of a table as deleted. Raises the exception of a refusal."""
    if native is not None:
        native.truncate(schema, table)
        return
    _need_host()
    _call(_operations.truncate, _types.TableName(schema, table))


class Tolerance(NamedTuple):
    """What the operator wants done with what cannot land in a table as it is."""

    misfits: bool
    """Whether values that their declared types do not take may be sent as those of undeclared columns."""
    rejects: bool
    """Whether rows that cannot be sent are handed over by `reject`."""


def tolerance(schema: str | None, table: str) -> Tolerance:
    """What the operator wants for a table; nothing without a host."""
    if not HAS_HOST:
        return Tolerance(False, False)
    found = _operations.tolerance(_types.TableName(schema, table))
    return Tolerance(found.misfits, found.rejects)


def reject(
    operation: str, schema: str | None, table: str, row: dict[str, tuple[str, Any] | None], reason: str
) -> None:
    """Hand over one row that cannot be sent, as pairs (kind, value). Raises the exception of a refusal."""
    _need_host()
    columns = [_types.Column(name, _mixed([pair]), [0] if pair is None else []) for name, pair in row.items()]
    kind = getattr(_operations.OperationKind, operation.upper())
    _call(_operations.reject, _types.TableName(schema, table), kind, _types.Batch(1, columns), reason)


def checkpoint(state: str) -> None:
    """Make everything so far durable with `state`. Raises the exception of a refusal."""
    if native is not None:
        native.checkpoint(state)
        return
    _need_host()
    _call(_operations.checkpoint, state)


class Upload:
    """The file of a row, on its way to the host. Leaving its `with` block before `finish` discards it.

    Every method raises the exception of a refusal.
    """

    def __init__(self, schema: str | None, table: str, path: str, expected: int | None) -> None:
        self._incoming = None if native is None else native.upload(schema, table, path, expected)
        if self._incoming is not None:
            return
        _need_host()
        self._upload = _call(_files.begin, _types.TableName(schema, table), path, expected)

    def write(self, data: bytes) -> None:
        """Append bytes, at most 2 MiB."""
        if self._incoming is not None:
            self._incoming.write(data)
            return
        # as text, because the bindings leak each list of bytes
        _call(self._upload.write_text, data.decode("latin-1"))

    def finish(self) -> None:
        """Let the file land with the next checkpoint."""
        if self._incoming is not None:
            self._incoming.finish()
            return
        _call(self._upload.finish)

    def __enter__(self) -> Upload:
        if self._incoming is None:
            self._upload.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._incoming is not None:
            self._incoming.discard()
            return
        self._upload.__exit__(*raised)


def path_column() -> str:
    """The name of the column that holds the path of a row's file."""
    if native is not None:
        return native.path_column
    _need_host()
    return str(_files.path_column())


def log(level: int, message: str) -> None:
    """Write a message to the sync's log; `level` counts from 0 (debug) to 6 (critical)."""
    if native is not None:
        native.log(level, message)
        return
    _need_host()
    _logging.log(getattr(_logging.Level, _LEVELS[level]), message)


def failure(kind: str, message: str, traceback: str) -> Exception:
    """The exception that an export raises to end as failed: exactly the bindings' `Err`."""
    failed: Exception = _Err(_types.Failure(kind, message, traceback))
    return failed


def table_definition(table: Table) -> Any:
    """A declared table as the bindings' own record."""
    columns = [_types.ColumnDefinition(name, _data_type(data_type)) for name, data_type in table.columns]
    name = _types.TableName(table.schema, table.name)
    return _types.TableDefinition(name, list(table.primary_key), columns)


def setup_form(form: ConfigurationForm) -> Any:
    """A form as the bindings' own record."""
    fields = [
        _types.FormField(f.name, f.label, f.description, f.placeholder, f.required, _field_kind(f))
        for f in form.fields
    ]
    tests = [_types.FormTest(name, label) for name, (label, _) in form.tests.items()]
    return _types.SetupForm(fields, tests)


def _field_kind(field: Field) -> Any:
    case = getattr(_types, f"FieldKind_{field.kind.capitalize()}")
    return case([_types.Choice(*choice) for choice in field.choices]) if field.kind == "dropdown" else case()


def test_outcome(failure: str | None) -> Any:
    """How a setup test went, as the bindings' own value; None when it went well."""
    return _types.TestOutcome_Success() if failure is None else _types.TestOutcome_Failure(failure)


def _data_type(data_type: DataType | None) -> Any:
    if data_type is None:
        return None
    case = getattr(_types, f"DataType_{data_type.case}")
    return case(data_type.size) if data_type.case == "Decimal" else case()


def _values(kind: str, values: Any, rows: int) -> Any:
    if not kind:
        return _types.Values_Mixed([_types.Value_Null()] * rows)
    if kind == "mixed":
        return _mixed(values)
    # The bindings take a list of texts one by one, which is slow, and leak each list of bytes: so texts
    # cross as one text and numbers as lists.
    if type(values) is str:
        if kind == "texts":
            return _types.Values_PackedTexts(values)
        if kind == "json":
            return _types.Values_PackedJson(values)
        values = values.split("\0")
    return getattr(_types, f"Values_{kind.capitalize()}")(values)


def _mixed(pairs: list[tuple[str, Any] | None]) -> Any:
    kinds = {pair[0] for pair in pairs if pair is not None}
    null = _types.Value_Null()
    cases = {kind: getattr(_types, f"Value_{KINDS[kind][0]}") for kind in kinds}
    return _types.Values_Mixed([null if pair is None else cases[pair[0]](pair[1]) for pair in pairs])


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except _Err as refused:
        refusal = refused.value
    raise _refusal(refusal)


def _refusal(refusal: Any) -> SluiceError:
    text = str(getattr(refusal, "value", "the host refused the operation"))
    if isinstance(refusal, _operations.Refusal_Invalid):
        return InvalidOperation(text)
    if isinstance(refusal, _operations.Refusal_Limit):
        return LimitReached(text)
    return SyncEnded(text)


def _need_host() -> None:
    if not HAS_HOST:
        raise SluiceError(
            "no host here: run the project with `sluice run <project>`, or natively by `connector.debug()`"
        )
