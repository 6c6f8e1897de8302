"""The patched points of `urllib3` 2.x."""

from __future__ import annotations

import socket
import weakref
from types import ModuleType
from typing import Any

from . import _direct, _trust
from ._errors import ConnectTimedOut, RequestDenied, RequestLimited
from ._exchange import Translate
from ._socket import GuestSocket


def patch_connection(module: ModuleType) -> None:
    """Patch `urllib3.connection`; raises `ImportError` for a version of another shape."""
    plain: Any = getattr(module, "HTTPConnection", None)
    tls: Any = getattr(module, "HTTPSConnection", None)
    if not hasattr(plain, "is_connected") or not hasattr(tls, "connect"):
        raise ImportError("urllib3 1.x is not supported in a connector; require urllib3 >= 2")
    exceptions = _Exceptions(module)

    def connect(self: Any) -> None:
        _attach(self, "http", exceptions)

    def connect_tls(self: Any) -> None:
        try:
            _check_tls(self)
        except OSError as error:
            raise exceptions.final(self, module.BaseSSLError(*error.args), tls=True) from error
        _attach(self, "https", exceptions)
        self.is_verified = True

    def is_connected(self: Any) -> bool:
        return self.sock is not None

    plain.connect = connect
    plain.is_connected = property(is_connected)
    tls.connect = connect_tls
    _direct.patch(module)


def patch_wait(module: ModuleType) -> None:
    """Patch `urllib3.util.wait`: botocore asks whether an answer came before the request's body."""
    original = module.wait_for_read

    def wait_for_read(sock: Any, timeout: float | None = None) -> bool:
        # the host sends whole requests, so nothing comes before the last byte was written
        return False if type(sock) is GuestSocket else bool(original(sock, timeout))

    setattr(module, "wait_for_read", wait_for_read)  # noqa: B010 - a module has no such attribute to mypy


class _Exceptions:
    """The library's exceptions for errors of this package."""

    def __init__(self, module: ModuleType) -> None:
        self._connect_timeout: Any = module.ConnectTimeoutError
        self._resolution: Any = module.NameResolutionError
        self._new_connection: Any = module.NewConnectionError
        from urllib3 import exceptions

        self._ssl: Any = exceptions.SSLError
        self.bad_location: Any = exceptions.LocationParseError
        base: Any = exceptions.MaxRetryError

        class RequestRefused(base):  # type: ignore[misc]
            """A request that the host refuses: final, no retry is counted or made."""

            def __init__(self, pool: Any, url: Any, reason: Exception) -> None:
                exceptions.RequestError.__init__(self, pool, url, str(reason))
                self.reason = reason

        self._refused: Any = RequestRefused

    def final(self, connection: Any, error: Exception, *, tls: bool = False) -> Exception:
        """An exception that `Retry` never sees."""
        refused: Exception = self._refused(connection, None, self._ssl(error) if tls else error)
        return refused

    def translator(self, connection: Any) -> Translate:
        """Turns errors of connecting into the library's, so that `Retry` counts right."""
        owner = weakref.ref(connection)

        def translate(error: Exception) -> Exception:
            connection = owner()
            made: Exception = error
            if isinstance(error, RequestDenied | RequestLimited):
                made = self.final(connection, error)
            elif connection is None:
                pass
            elif isinstance(error, socket.gaierror):
                made = self._resolution(connection.host, connection, error)
            elif isinstance(error, ConnectTimedOut):
                text = f"Connection to {connection.host} timed out. {error}"
                made = self._connect_timeout(connection, text)
            elif isinstance(error, ConnectionRefusedError):
                made = self._new_connection(connection, f"Failed to establish a new connection: {error}")
            return made

        return translate


def _attach(connection: Any, scheme: str, exceptions: _Exceptions) -> None:
    if connection.proxy or connection._tunnel_host:
        raise OSError("proxies are the host's: remove the proxy setting")
    translate = exceptions.translator(connection)
    try:
        connection.sock = GuestSocket(connection, scheme, eager=False, translate=translate)
    except UnicodeError:
        raise exceptions.bad_location(f"{connection.host!r}, label empty or too long") from None
    except socket.gaierror as error:
        raise translate(error) from error


def _check_tls(connection: Any) -> None:
    """Refuse settings that would weaken or pin the host's verification."""
    if _trust.is_replay():
        return
    _trust.check_verification(_mode(connection.cert_reqs))
    if connection.cert_file or connection.key_file:
        _trust.refuse_client_certificate()
    if connection.assert_fingerprint or connection.assert_hostname or connection.server_hostname:
        _trust.refuse(
            "the certificate cannot be checked by the connector",
            "remove assert_fingerprint, assert_hostname and server_hostname",
        )
    for place in (connection.ca_certs, connection.ca_cert_dir, connection.ca_cert_data):
        _trust.ignore_certificates(place)


def _mode(requirement: Any) -> int:
    from urllib3.util.ssl_ import resolve_cert_reqs

    return int(resolve_cert_reqs(requirement))
