"""Names of tables, schemas and columns: what may cross, and which tables may be one."""

from __future__ import annotations

import unicodedata

from sluice._text import utf8_length

MAX_NAME_BYTES = 255
"""The contract's limit for a name, in bytes of UTF-8."""


def check_name(name: object, what: str, *, blank: bool = False) -> str:
    """`name` as an exact str.

    `what` starts the error message, for example `table name`. A name of blanks only is refused
    unless `blank` is true. Raises TypeError for another type and ValueError for a name that is
    empty, too long, has control characters or is not valid Unicode.
    """
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a str, not {type(name).__name__}")
    name = str.__str__(name)
    if not name or (not blank and not name.strip()):
        raise ValueError(f"{what} must not be empty")
    length = utf8_length(name)
    if length < 0:
        raise ValueError(f"{what} holds half of a surrogate pair, which is not valid text")
    if length > MAX_NAME_BYTES:
        raise ValueError(f"{what} is {length} bytes long, the limit is {MAX_NAME_BYTES}")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValueError(f"{what} holds a control character")
    return name


def order_key(schema: str | None, table: str) -> tuple[str | None, str]:
    """A key that is the same for all names which a destination may fold into one table.

    It may be the same for more names than that: tables with one key only lose some batching.
    """
    folded = unicodedata.normalize("NFKD", f"{table}").casefold()
    skeleton = "".join(c for c in folded if c.isascii() and c.isalnum())
    folded_schema = schema if schema is None else schema.casefold()
    return folded_schema, skeleton or table
