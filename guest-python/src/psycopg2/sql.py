"""Statements put together of parts, names among them quoted."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from typing import Any

from psycopg2 import _adapt
from psycopg2.extensions import quote_ident


class Composable:
    """A part of a statement."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def as_string(self, context: Any = None) -> str:
        """The text."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Composed:
        if not isinstance(other, Composable):
            return NotImplemented
        return Composed([*_parts(self), *_parts(other)])

    def __mul__(self, count: int) -> Composed:
        return Composed([self] * count)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._wrapped == other._wrapped

    def __hash__(self) -> int:
        return hash(str(self._wrapped))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._wrapped!r})"


def _parts(one: Composable) -> list[Composable]:
    return list(one._wrapped) if isinstance(one, Composed) else [one]


class Composed(Composable):
    """Several parts."""

    def __init__(self, seq: Iterable[Any]) -> None:
        super().__init__([part if isinstance(part, Composable) else Literal(part) for part in seq])

    def as_string(self, context: Any = None) -> str:
        """The text."""
        return "".join(part.as_string(context) for part in self._wrapped)

    def __iter__(self) -> Iterator[Composable]:
        return iter(self._wrapped)

    def join(self, joiner: Any) -> Composed:
        """The parts with something in between."""
        return (joiner if isinstance(joiner, SQL) else SQL(joiner)).join(self)


class SQL(Composable):
    """Text of SQL, with `{}` for other parts."""

    @property
    def string(self) -> str:
        """The text."""
        return str(self._wrapped)

    def as_string(self, context: Any = None) -> str:
        """The text."""
        return str(self._wrapped)

    def format(self, *args: Any, **kwargs: Any) -> Composed:
        """Put parts in place."""
        made: list[Composable] = []
        number = 0
        for text, name, spec, conversion in string.Formatter().parse(self._wrapped):
            if spec or conversion:
                raise ValueError("no format specification supported by SQL")
            if text:
                made.append(SQL(text))
            if name is None:
                continue
            if name == "":
                made.append(_part(args[number]))
                number += 1
            else:
                made.append(_part(args[int(name)] if name.isdigit() else kwargs[name]))
        return Composed(made)

    def join(self, seq: Iterable[Any]) -> Composed:
        """Parts with this text in between."""
        made: list[Composable] = []
        for part in seq:
            if made:
                made.append(self)
            made.append(_part(part))
        return Composed(made)


def _part(value: Any) -> Composable:
    return value if isinstance(value, Composable) else Literal(value)


class Identifier(Composable):
    """A name, with dots between several."""

    def __init__(self, *strings: str) -> None:
        if not strings or not all(isinstance(text, str) for text in strings):
            raise TypeError("SQL identifier parts must be strings")
        super().__init__(strings)

    @property
    def strings(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self._wrapped)

    @property
    def string(self) -> str:
        """The only name."""
        if len(self._wrapped) == 1:
            return str(self._wrapped[0])
        raise AttributeError("the Identifier wraps more than one than one string")

    def as_string(self, context: Any = None) -> str:
        """The text."""
        return ".".join(quote_ident(text) for text in self._wrapped)


class Literal(Composable):
    """A value."""

    @property
    def wrapped(self) -> Any:
        """The value."""
        return self._wrapped

    def as_string(self, context: Any = None) -> str:
        """The text."""
        return _adapt.literal(self._wrapped, context)


class Placeholder(Composable):
    """A place for a value of `execute`."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    @property
    def name(self) -> str | None:
        """Its name."""
        return None if self._wrapped is None else str(self._wrapped)

    def as_string(self, context: Any = None) -> str:
        """The text."""
        return "%s" if self._wrapped is None else f"%({self._wrapped})s"


NULL = SQL("NULL")
DEFAULT = SQL("DEFAULT")
