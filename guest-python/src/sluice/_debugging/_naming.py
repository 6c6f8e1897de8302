"""Names in the destination: as `host/src/landing/names.rs` and `host/src/policy/identifiers.rs`."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from functools import lru_cache

_RESERVED = "_sluice_"
_SQLITE = "sqlite_"
FILE_PATH_COLUMN = "_sluice_file_path"
"""The one column with the reserved prefix that rows bring along: where the row's file landed."""

_MAX_BYTES = 1024
_REMEMBERED = 4096
"""Names whose answers are kept: every row asks about the same ones."""

_MARKS = frozenset(
    "\u061c\u200b\u200e\u200f\ufeff\ufff9\ufffa\ufffb"
    + "".join(map(chr, (*range(0x2028, 0x202F), *range(0x2060, 0x2070), *range(0xE0000, 0xE0080))))
)


def _load() -> Callable[[str], str] | None:
    try:
        from anyascii import anyascii
    except ModuleNotFoundError:
        return None
    transliterate: Callable[[str], str] = anyascii
    return transliterate


_anyascii = _load()


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    if _anyascii is not None:
        return _anyascii(name)
    # without the tables of `anyascii` letters lose their accents, and other scripts stay
    return unicodedata.normalize("NFKD", name).casefold()


class NameRefused(Exception):
    """Why a name is not acceptable."""


def is_control(character: str) -> bool:
    """Whether a character acts on the text around it; as `host/src/policy/terminal.rs`."""
    return unicodedata.category(character) == "Cc" or character in _MARKS


@lru_cache(_REMEMBERED)
def check_source(kind: str, name: str) -> None:
    """Refuse a name of the source that nobody can read. `kind` is `table` or `column`."""
    for character in name:
        if is_control(character):
            raise NameRefused(f"a {kind} name holds U+{ord(character):04X}, a control character")
    if not name.strip():
        raise NameRefused(f"a {kind} name is empty or blank")


@lru_cache(_REMEMBERED)
def destination_name(kind: str, source: str) -> str:
    """The name in the database for a name in the source."""
    plain = _ascii(source)
    if not any(c.isalnum() for c in plain):
        raise NameRefused(f"{kind} name '{source}' has no letter or digit to make a destination name from")
    name = _snake_case(plain)
    bare = name.lstrip("_")
    if name[:1].isdigit():
        name = f"_{name}"
    elif kind == "table" and bare[:1].isalpha():
        name = bare
    _check_destination(kind, name)
    return name


@lru_cache(_REMEMBERED)
def table_name(schema: str | None, name: str) -> str:
    """The same for a table of a source that may have schemas."""
    return destination_name("table", name if schema is None else f"{schema}_{name}")


def collision(other: str, name: str) -> str:
    """Why two names of a source cannot be told apart; as in `destination/sqlite/catalogue.rs`."""
    shown, stored = (json.dumps(one, ensure_ascii=False) for one in (other, name))
    return f"{shown} is already stored under the same name {stored}; rename one of the two"


def _check_destination(kind: str, name: str) -> None:
    size = len(name.encode())
    if size > _MAX_BYTES:
        raise NameRefused(f"a {kind} name has {size} bytes, at most {_MAX_BYTES} are possible")
    if kind == "column" and name == FILE_PATH_COLUMN:
        return
    for prefix in (_RESERVED, _SQLITE) if kind == "table" else (_RESERVED,):
        if name.startswith(prefix):
            raise NameRefused(
                f"{kind} name '{name}' is reserved: names beginning with {prefix} are not the connector's; "
                "rename it"
            )


def _snake_case(plain: str) -> str:
    name: list[str] = []
    before = "_"
    for index, character in enumerate(plain):
        after = plain[index + 1 : index + 2] or "_"
        ends_word = before.islower() or before.isdigit()
        ends_acronym = before.isupper() and after.islower()
        begins_number = before.isalpha() and character.isdigit()
        if begins_number or (character.isupper() and (ends_word or ends_acronym)):
            name.append("_")
        kept = character.lower() if character.isalnum() else "_"
        if kept != "_" or not name or name[-1] != "_":
            name.append(kept)
        before = character
    return "".join(name)
