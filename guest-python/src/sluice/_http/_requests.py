"""The patched points of `certifi` and `requests`: both look for a file of certificates."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from . import _trust


def patch_certifi(module: ModuleType) -> None:
    """Let `certifi.where` name the host's certificates, which are the ones that count."""
    for place in (module, getattr(module, "core", None)):
        if place is not None:
            setattr(place, "where", _where)  # noqa: B010 - a module has no such attribute to mypy


def patch_adapters(module: ModuleType) -> None:
    """Patch `requests.adapters`: `cert_verify` wants certificate files to exist; proxies are the host's."""
    module.HTTPAdapter.cert_verify = _cert_verify
    select: Any = getattr(module, "select_proxy")  # noqa: B009

    def select_proxy(url: str, proxies: Any) -> None:
        if proxies and select(url, proxies):
            _trust.ignore_proxy()

    setattr(module, "select_proxy", select_proxy)  # noqa: B010
    for name in ("idna", "idna.core", "idna.idnadata", "idna.uts46data"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            break


def _where() -> str:
    return _trust.HOST_TRUST


def _cert_verify(self: Any, conn: Any, url: str, verify: Any, cert: Any) -> None:
    """Answer `verify` and `cert` instead of looking for their files."""
    if not url.lower().startswith("https"):
        return
    from requests.exceptions import SSLError

    try:
        if not verify:
            _trust.check_verification(0)
        if cert:
            _trust.refuse_client_certificate()
    except OSError as error:
        raise SSLError(error) from error
    conn.cert_reqs = "CERT_REQUIRED"
    conn.ca_certs = conn.ca_cert_dir = None
    if verify is not True:
        _trust.ignore_certificates(verify)
