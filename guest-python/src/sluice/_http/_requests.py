"""The patched points of `certifi` and `requests`: both look for a file of certificates.

The other patches change nothing but the time that a request takes.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import importlib
from types import ModuleType
from typing import Any

from . import _trust


def patch_certifi(module: ModuleType) -> None:
    """Let `certifi.where` name the host's certificates; its own file is not in the guest."""
    for place in (module, getattr(module, "core", None)):
        if place is not None:
            setattr(place, "where", _where)  # noqa: B010 - a module has no such attribute to mypy
            setattr(place, "contents", _contents)  # noqa: B010


def patch_adapters(module: ModuleType) -> None:
    """Patch `requests.adapters`: `HTTPAdapter.cert_verify` wants certificate files to exist."""
    module.HTTPAdapter.cert_verify = _cert_verify
    for name in ("idna", "idna.core", "idna.idnadata", "idna.uts46data"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            break


_CONTENT_BYTES = 256 * 1024


def patch_models(module: ModuleType) -> None:
    """Patch `requests.models`: a whole body is read in larger pieces."""
    if isinstance(getattr(module, "CONTENT_CHUNK_SIZE", None), int):
        setattr(module, "CONTENT_CHUNK_SIZE", _CONTENT_BYTES)  # noqa: B010


def patch_cookies(module: ModuleType) -> None:
    """Patch `requests.cookies`: where there are no cookies, none are looked for."""
    jars: Any = http.cookiejar.CookieJar
    extract, header = module.extract_cookies_to_jar, module.get_cookie_header

    def extract_cookies_to_jar(jar: Any, request: Any, response: Any) -> None:
        message = getattr(getattr(response, "_original_response", None), "msg", None)
        if type(message) is http.client.HTTPMessage and type(jar).extract_cookies is jars.extract_cookies:
            if not any(name.lower() in _COOKIES for name, _ in message.raw_items()):
                return
        extract(jar, request, response)

    def get_cookie_header(jar: Any, request: Any) -> Any:
        if type(jar).add_cookie_header is jars.add_cookie_header and not jar._cookies:
            return None
        return header(jar, request)

    setattr(module, "extract_cookies_to_jar", extract_cookies_to_jar)  # noqa: B010
    setattr(module, "get_cookie_header", get_cookie_header)  # noqa: B010


_COOKIES = ("set-cookie", "set-cookie2")


def _where() -> str:
    return _trust.HOST_TRUST


def _contents() -> str:
    return ""


def _cert_verify(self: Any, conn: Any, url: str, verify: Any, cert: Any) -> None:
    """Answer `verify` and `cert` instead of looking for their files."""
    if not url.lower().startswith("https"):
        return
    from requests.exceptions import SSLError

    try:
        if not verify:
            _trust.check_verification(0)
        if cert:
            _trust.refuse(
                "a client certificate cannot be presented", "ask the operator to configure it there"
            )
    except OSError as error:
        raise SSLError(error) from error
    conn.cert_reqs = "CERT_REQUIRED"
    conn.ca_certs = conn.ca_cert_dir = None
    if verify is not True:
        _trust.ignore_certificates(verify)
