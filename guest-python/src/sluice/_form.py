"""The setup form of a connector: its fields, and the tests of what was entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sluice._text import presentable, utf8_length

MAX_TEXT_BYTES = 4 << 10
"""The contract's limit for a text that people read."""


class Choice(NamedTuple):
    """One choice of a dropdown."""

    value: str
    label: str
    description: str


class Field(NamedTuple):
    """One field, as `sluice.form_field` makes it. `kind` is a case of the contract's `field-kind`."""

    name: str
    label: str
    kind: str
    description: str | None
    placeholder: str | None
    required: bool
    choices: tuple[Choice, ...]


class TestResult(NamedTuple):
    """How a setup test went; `failure` is None when it went well."""

    failure: str | None


class Test:
    """What a setup test returns: `Test.success()` or `Test.failure(message)`."""

    # so that pytest does not take an import of this class for a class of tests
    __test__ = False

    @staticmethod
    def success() -> TestResult:
        """What was entered works."""
        return TestResult(None)

    @staticmethod
    def failure(message: str) -> TestResult:
        """What was entered does not work; `message` says why, to the person who entered it."""
        if not isinstance(message, str):
            raise TypeError(f"Test.failure: message must be a str, not {type(message).__name__}")
        return TestResult(presentable(message, MAX_TEXT_BYTES))


class ConfigurationForm:
    """What `sluice configure` asks for, and how it is tested.

        def configuration_form():
            return (
                ConfigurationForm()
                .add_field(form_field.TextField("host", "Host", required=True))
                .add_field(form_field.TextField("password", "Password", form_field.TextField.password))
                .add_test(label="Connects", func=connects)
            )

    A test is a function of the configuration that returns `Test.success()` or `Test.failure(...)`.
    It runs in the sandbox, with the network grants that a sync of the connector would have.
    """

    def __init__(self) -> None:
        self._fields: list[Field] = []
        self._tests: list[tuple[str, Callable[[dict[str, str]], Any]]] = []

    def add_field(self, field: Field) -> ConfigurationForm:
        """Add a field made by `form_field`; returns the form.

        Raises TypeError for anything else, and ValueError for a name that the form already has.
        """
        if not isinstance(field, Field):
            raise TypeError(f"add_field: field must be made by form_field, not be a {type(field).__name__}")
        if any(known.name == field.name for known in self._fields):
            raise ValueError(f"add_field: the form already has a field named {field.name}")
        self._fields.append(field)
        return self

    def add_test(self, *, label: str, func: Callable[[dict[str, str]], Any]) -> ConfigurationForm:
        """Add a setup test; returns the form. Its name is that of the function.

        Raises ValueError for an empty label, a lambda, and a name that the form already has, and
        TypeError for what is no function.
        """
        if not label:
            name = getattr(func, "__name__", "a test")
            raise ValueError(f"add_test: the label of {name} must not be empty")
        if not callable(func):
            raise TypeError(f"add_test: func must be a function, not {type(func).__name__}")
        name = func.__name__
        if name == "<lambda>":
            raise ValueError("add_test: a lambda has no name, write the test as a function with `def`")
        if any(known.__name__ == name for _, known in self._tests):
            raise ValueError(f"add_test: the form already has a test named {name}")
        self._tests.append((check_text(f"add_test: the label of {name}", label), func))
        return self

    @property
    def fields(self) -> list[Field]:
        """The fields in order."""
        return list(self._fields)

    @property
    def tests(self) -> dict[str, tuple[str, Callable[[dict[str, str]], Any]]]:
        """Label and function of each test, by its name."""
        return {func.__name__: (label, func) for label, func in self._tests}


def check_text(what: str, text: object) -> str:
    """`text` as an exact str that may cross; raises TypeError or ValueError otherwise."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    text = str.__str__(text)
    length = utf8_length(text)
    if length < 0:
        raise ValueError(f"{what} holds half of a surrogate pair, which is not valid text")
    if length > MAX_TEXT_BYTES:
        raise ValueError(f"{what} is {length} bytes long, the limit is {MAX_TEXT_BYTES}")
    return text
