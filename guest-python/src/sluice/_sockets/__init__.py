"""Sockets for database and queue drivers, over the contract's `tcp` interface.

A guest has no sockets of its own. Drivers in pure Python stay unmodified: `socket.socket` is a class
over connections of the host, names are looked up by the host, and `ssl` contexts hand the connection
to the host, which speaks TLS. HTTP libraries do not come here: see `sluice._http`.

Layout:

- `_contract`: the only module that calls the host; checks every value first
- `_errors`: what the host's errors are in Python
- `_local`: connections from the guest to itself
- `_socket`: `socket.socket`, put there by `_install`
- `_tls`: `ssl.SSLSocket`
- `_names`: `getaddrinfo` and the other lookups
- `_select`: `select.select`, `select.poll` and the selectors
- `_drivers`: what single drivers need beside that; `_postgres` and `_mysql`: rows for `pg8000` and `PyMySQL`
"""

from __future__ import annotations

from . import _contract

__all__ = ["install"]


def install() -> None:
    """Put the guest's sockets into `socket`, `ssl` and `select`; do nothing outside a guest.

    Call it while the guest is being built, before drivers are imported. May be called again.
    """
    if not _contract.bind():
        return
    from . import _drivers, _install, _names, _select, _tls

    _install.install()
    _names.install()
    _tls.install()
    _select.install()
    _drivers.install()
