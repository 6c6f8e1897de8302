"""Text that must cross to the host: valid UTF-8, and bounded where people read it."""

from __future__ import annotations

CUT = "\n... cut ...\n"


def utf8_length(text: str) -> int:
    """The length of `text` in UTF-8 bytes; -1 when it holds a lone surrogate."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


def byte_length(value: str | bytes) -> int:
    """The length of valid text in UTF-8, or of bytes."""
    if isinstance(value, bytes) or value.isascii():
        return len(value)
    return len(value.encode())


def presentable(text: str, limit: int) -> str:
    """`text` with lone surrogates replaced, cut in the middle to at most `limit` bytes of UTF-8."""
    # a text this long is cut anyway, and encoding it whole could run out of memory
    if len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    half = (limit - len(CUT)) // 2
    head = raw[:half].decode("utf-8", "ignore")
    tail = raw[-half:].decode("utf-8", "ignore")
    return head + CUT + tail
