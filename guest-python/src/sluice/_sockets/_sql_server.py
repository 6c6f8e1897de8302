"""TLS for `pytds`, which would speak it itself with pyOpenSSL, machine code.

SQL Server begins TLS in packets of its own protocol. The host makes them too, for a connection on which only
the request for TLS was written. So all that is left here is to ask the host to begin.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sluice._http import _trust

from ._tls import begin_tls

_LOGIN_ONLY = (
    "enc_login_only=True would end TLS after the login, and the rows would go in the clear: "
    "the host keeps TLS until the connection ends; leave enc_login_only out"
)


def with_tls_of_host(module: ModuleType, execute: Callable[[], None]) -> None:
    """Execute `pytds.tls`, and let the host speak TLS instead."""
    execute()
    library: Any = module
    library.OPENSSL_AVAILABLE = True
    library.create_context = _create_context
    library.establish_channel = _establish_channel


def with_whole_connections(module: ModuleType, execute: Callable[[], None]) -> None:
    """Execute `pytds.tds_session`, and refuse TLS for a part of a connection before anything is sent."""
    execute()
    library: Any = module
    send = library._TdsSession.send_prelogin

    def send_prelogin(session: Any, login: Any) -> None:
        if login.tls_ctx is not None and login.enc_login_only:
            raise ssl.SSLError(1, _LOGIN_ONLY)
        send(session, login)

    library._TdsSession.send_prelogin = send_prelogin


def _create_context(cafile: Any) -> ssl.SSLContext:
    _trust.ignore_certificates(cafile)
    return ssl.create_default_context()


def _establish_channel(session: Any) -> None:
    login = session.conn._login
    if login.tls_ctx is None:
        raise ssl.SSLError(1, "the server wants TLS, which pytds begins when it is given a cafile")
    begin_tls(session.conn.sock, login.server_name if login.validate_host else None)
