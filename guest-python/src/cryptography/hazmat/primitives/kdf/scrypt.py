"""scrypt, which is not here."""

from __future__ import annotations

from cryptography.exceptions import missing


class Scrypt:
    """Refused."""

    def __init__(self, *_: object, **__: object) -> None:
        missing("scrypt")
