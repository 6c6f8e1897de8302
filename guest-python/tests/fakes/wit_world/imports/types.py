"""Stand-in for the records of the contract: strict, where the real ones would abort the guest."""

import struct
from dataclasses import dataclass, make_dataclass
from typing import Any

_KINDS = {
    "Boolean": bool,
    "Integer": int,
    "Float": float,
    "Text": str,
    "Blob": bytes,
    "Json": str,
    "Decimal": str,
    "Date": int,
    "Datetime": int,
    "Timestamp": int,
}
_PLURALS = {"Json": "Json"}
_BITS = {"Integer": 64, "Date": 32, "Datetime": 64, "Timestamp": 64}


def _check(case, value):
    assert type(value) is _KINDS[case], f"{case} got {type(value)}"
    if type(value) is str:
        value.encode()
    if case in _BITS:
        assert -(2 ** (_BITS[case] - 1)) <= value < 2 ** (_BITS[case] - 1)


def _value_check(case):
    def check(self):
        _check(case, self.value)

    return check


def _values_check(case):
    def check(self):
        assert type(self.value) is list
        for value in self.value:
            _check(case, value)

    return check


for _case in _KINDS:
    _name = f"Value_{_case}"
    globals()[_name] = make_dataclass(_name, ["value"], namespace={"__post_init__": _value_check(_case)})
    _name = f"Values_{_PLURALS.get(_case, _case + 's')}"
    globals()[_name] = make_dataclass(_name, ["value"], namespace={"__post_init__": _values_check(_case)})

_TYPES = "Boolean Short Int Long Float Double NaiveDate NaiveDatetime UtcDatetime Binary Xml Text Json"
for _case in _TYPES.split(" "):
    globals()[f"DataType_{_case}"] = make_dataclass(f"DataType_{_case}", [])


@dataclass
class DataType_Decimal:
    value: Any

    def __post_init__(self):
        if self.value is not None:
            assert type(self.value) is tuple
            assert all(type(part) is int and 0 <= part <= 255 for part in self.value)


@dataclass
class Value_Null:
    pass


@dataclass
class Values_Mixed:
    value: list

    def __post_init__(self):
        assert type(self.value) is list
        for value in self.value:
            assert type(value).__name__.startswith("Value_")


def _unpacked(code, data):
    assert type(data) is bytes
    return [value for (value,) in struct.iter_unpack(code, data)]


# The host treats a packed column as the list it stands for, and so do the tests.
def Values_PackedBooleans(data):
    return globals()["Values_Booleans"](_unpacked("<?", data))


def Values_PackedIntegers(data):
    return globals()["Values_Integers"](_unpacked("<q", data))


def Values_PackedFloats(data):
    return globals()["Values_Floats"](_unpacked("<d", data))


def Values_PackedTexts(text):
    assert type(text) is str
    return globals()["Values_Texts"](text.split("\0"))


def Values_PackedJson(text):
    assert type(text) is str
    return globals()["Values_Json"](text.split("\0"))


@dataclass
class TableName:
    schema: Any
    name: str

    def __post_init__(self):
        assert self.schema is None or type(self.schema) is str
        assert type(self.name) is str


@dataclass
class ColumnDefinition:
    name: str
    data_type: Any

    def __post_init__(self):
        assert type(self.name) is str


@dataclass
class TableDefinition:
    name: TableName
    primary_key: list
    columns: list

    def __post_init__(self):
        assert type(self.primary_key) is list
        assert type(self.columns) is list


@dataclass
class Column:
    name: str
    values: Any
    nulls: list

    def __post_init__(self):
        assert type(self.name) is str
        assert type(self.nulls) is list
        assert all(type(index) is int for index in self.nulls)
        assert self.nulls == sorted(set(self.nulls))


@dataclass
class Batch:
    rows: int
    columns: list

    def __post_init__(self):
        assert type(self.columns) is list
        assert len({column.name for column in self.columns}) == len(self.columns)
        for column in self.columns:
            assert len(column.values.value) == self.rows
            assert all(index < self.rows for index in column.nulls)


@dataclass
class Failure:
    kind: str
    message: str
    traceback: str

    def __post_init__(self):
        for text in (self.kind, self.message, self.traceback):
            assert type(text) is str
            text.encode()


def _texts(*texts):
    for text in texts:
        assert type(text) is str
        text.encode()


@dataclass
class Choice:
    value: str
    label: str
    description: str

    def __post_init__(self):
        _texts(self.value, self.label, self.description)


@dataclass
class FieldKind_Dropdown:
    value: list

    def __post_init__(self):
        assert type(self.value) is list
        assert all(type(choice) is Choice for choice in self.value)


for _case in ("FieldKind_Text", "FieldKind_Password", "FieldKind_Toggle", "TestOutcome_Success"):
    globals()[_case] = make_dataclass(_case, [])


@dataclass
class FormField:
    name: str
    label: str
    description: Any
    placeholder: Any
    required: bool
    kind: Any

    def __post_init__(self):
        _texts(self.name, self.label, *(t for t in (self.description, self.placeholder) if t is not None))
        assert type(self.required) is bool
        assert type(self.kind).__name__.startswith("FieldKind_")


@dataclass
class FormTest:
    name: str
    label: str

    def __post_init__(self):
        _texts(self.name, self.label)


@dataclass
class SetupForm:
    fields: list
    tests: list

    def __post_init__(self):
        assert type(self.fields) is list
        assert type(self.tests) is list


@dataclass
class TestOutcome_Failure:
    value: str

    def __post_init__(self):
        _texts(self.value)
