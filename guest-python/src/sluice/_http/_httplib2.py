"""The patched points of `httplib2`, over which Google's API client speaks: its own two ways to connect."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ._stdlib import connect, connect_tls


def patch_httplib2(module: ModuleType) -> None:
    """Let both kinds of its connections be the host's, as those of `http.client` are."""
    library: Any = module
    library.HTTPConnectionWithTimeout.connect = _connect
    library.HTTPSConnectionWithTimeout.connect = _connect_tls


def _connect(connection: Any) -> None:
    _check_proxy(connection)
    connect(connection)


def _connect_tls(connection: Any) -> None:
    _check_proxy(connection)
    connect_tls(connection)


def _check_proxy(connection: Any) -> None:
    proxy = connection.proxy_info
    if proxy and proxy.isgood() and proxy.applies_to(connection.host):
        raise OSError("proxies are the host's: remove proxy_info")
