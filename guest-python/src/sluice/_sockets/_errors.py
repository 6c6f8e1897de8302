"""What the host's errors are in Python: the standard library's own exceptions for the same events."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

from sluice._http import _errors as http_errors


def from_host(error: Any) -> Exception:
    """The exception for one case of the contract's `error` variant."""
    make = _CASES.get(type(error).__name__)
    text = str(getattr(error, "value", ""))
    if make is None:
        return OSError(f"unknown error from the host: {text}")
    return make(text)


def no_name(text: str) -> Exception:
    """A failed lookup."""
    return socket.gaierror(getattr(socket, "EAI_NONAME", -2), text or "Name or service not known")


_CASES: dict[str, Callable[[str], Exception]] = {
    "Error_Denied": lambda text: http_errors.RequestDenied(errno.EACCES, text),
    "Error_Invalid": lambda text: OSError(errno.EINVAL, text),
    "Error_NameResolution": no_name,
    "Error_Connect": lambda text: ConnectionRefusedError(errno.ECONNREFUSED, text),
    "Error_Timeout": lambda text: TimeoutError(f"timed out ({text})"),
    "Error_Certificate": http_errors.certificate,
    "Error_Tls": http_errors.tls,
    "Error_Closed": lambda text: ConnectionResetError(errno.ECONNRESET, text),
    "Error_Limit": http_errors.RequestLimited,
}
