"""HTTP for Python's libraries, carried by the contract's `http` interface.

A guest has no sockets and no OpenSSL. `requests`, `urllib3`, `http.client`, `urllib.request`,
`httpx`, `httplib2` and `aiohttp` stay unmodified: only the socket under a connection is replaced. The
library writes its request into the socket, one call hands the request to the host, and
the library reads the response from a file over the host's exchange.

Layout:

- `_contract`: the only module that calls the host; checks every value first
- `_errors`: what the host's errors are in Python
- `_wire`: a written HTTP/1.1 request, back to method, target, headers and body
- `_exchange`: one request and its response's head
- `_file`: the response's body as the binary file that `http.client` reads
- `_socket`: the connection's socket
- `_conversation`: the same for libraries that write and read bytes themselves
- `_trust`: which TLS settings a connector may and may not make
- `_stdlib`, `_urllib3`, `_requests`, `_httpcore`, `_httplib2`, `_aiohttp`: the patched points of each library
- `_direct`: the short way of a request through `urllib3`
- `_shortcuts`: what `requests` need not do anew for each request
- `_imports`: applies them right after a library is imported
- `_preload`: modules that are imported late and must be in the snapshot
"""

from __future__ import annotations

from . import _contract

__all__ = ["install"]


def install() -> None:
    """Route Python's HTTP libraries through the host; do nothing outside a guest.

    Call it while the guest is being built, before the connector is imported. May be
    called again. Raises `ImportError` when a library is of a kind that cannot be carried,
    so that the build fails and not the sync.
    """
    if not _contract.bind():
        return
    from . import _imports, _preload, _stdlib

    _stdlib.install()
    _preload.install()
    _imports.install()
