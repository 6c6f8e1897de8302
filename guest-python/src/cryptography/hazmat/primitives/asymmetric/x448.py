"""Keys that are not here; the names are, since libraries ask whether a key is one of them."""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import missing


class X448PrivateKey:
    """None can be made."""

    def __init__(self) -> None:
        missing("a key of the kind x448")


class X448PublicKey:
    """None can be made."""

    def __init__(self) -> None:
        missing("a key of the kind x448")


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    missing(f"x448.{name}")
