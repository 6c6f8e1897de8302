"""What the host's HTTP errors are in Python.

    RequestDenied(PermissionError)      not granted
    RequestLimited(OSError)             a limit of the sync was reached
    InvalidRequest(ValueError)          the request breaks the contract
    ConnectTimedOut(TimeoutError)       connecting took too long

Everything else is the standard library's own exception for the same event.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Any


class RequestDenied(PermissionError):
    """The request was not granted to this sync; the text names the missing grant."""


class RequestLimited(OSError):
    """A limit of this sync was reached."""


class InvalidRequest(ValueError):
    """The request breaks the contract's rules; sending it again cannot help."""


class ConnectTimedOut(TimeoutError):
    """No connection was made in time."""


BEFORE_SENDING: tuple[type[Exception], ...] = (
    RequestDenied,
    RequestLimited,
    InvalidRequest,
    ConnectTimedOut,
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLError,
)
"""Errors that natively come up while connecting, before a byte of the request is sent."""


def from_host(error: Any) -> Exception:
    """The exception for one case of the contract's `error` variant."""
    make = _CASES.get(type(error).__name__)
    text = str(getattr(error, "value", ""))
    if make is None:
        return OSError(f"unknown error from the host: {text}")
    return make(text)


def _denied(text: str) -> Exception:
    return RequestDenied(errno.EACCES, text)


def _name_resolution(text: str) -> Exception:
    return socket.gaierror(getattr(socket, "EAI_NONAME", -2), text or "Name or service not known")


def _connect(text: str) -> Exception:
    return ConnectionRefusedError(errno.ECONNREFUSED, text or "Connection refused")


def certificate(text: str) -> Exception:
    """A certificate that the host does not accept."""
    error = ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {text}"
    )
    error.library, error.reason = "SSL", "CERTIFICATE_VERIFY_FAILED"
    error.verify_code, error.verify_message = 1, text
    return error


def tls(text: str) -> Exception:
    """TLS that failed otherwise."""
    error = ssl.SSLError(1, f"[SSL] TLS failed: {text}")
    error.library, error.reason = "SSL", "TLS_FAILED"
    return error


def _closed(text: str) -> Exception:
    # Connectors look for the first sentence, which is the standard library's.
    return http.client.RemoteDisconnected(f"Remote end closed connection without response ({text})")


_CASES: dict[str, Callable[[str], Exception]] = {
    "Error_Denied": _denied,
    "Error_InvalidRequest": InvalidRequest,
    "Error_NameResolution": _name_resolution,
    "Error_Connect": _connect,
    "Error_ConnectTimeout": lambda text: ConnectTimedOut(f"timed out ({text})"),
    "Error_ReadTimeout": lambda text: TimeoutError(f"timed out ({text})"),
    "Error_Certificate": certificate,
    "Error_Tls": tls,
    "Error_ConnectionClosed": _closed,
    "Error_Protocol": http.client.BadStatusLine,
    "Error_Limit": RequestLimited,
}
