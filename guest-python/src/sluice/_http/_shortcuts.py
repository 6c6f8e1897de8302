"""What `requests` does anew for each request though the answer is known.

Nothing here changes what a request does. Each function falls back to the library's own wherever its answer
could be another one.
"""

from __future__ import annotations

import functools
import http.client
import http.cookiejar
import os
import urllib.parse
from types import ModuleType
from typing import Any

_CONTENT_BYTES = 256 * 1024
_COOKIES = ("set-cookie", "set-cookie2")


def keep_read_urls() -> None:
    """Let `urllib.parse` remember URLs that it read: `requests` reads each ten times over."""
    split, parse = getattr(urllib.parse, "_urlsplit", None), urllib.parse.urlparse
    if split is not None and not hasattr(split, "cache_info"):
        setattr(urllib.parse, "_urlsplit", functools.lru_cache(256, typed=True)(split))  # noqa: B010
    if hasattr(parse, "remembered"):
        return
    remembered = functools.lru_cache(256, typed=True)(parse)

    @functools.wraps(parse)
    def urlparse(url: Any, scheme: Any = "", allow_fragments: bool = True) -> Any:
        if type(url) is str and type(scheme) is str:
            return remembered(url, scheme, bool(allow_fragments))
        return parse(url, scheme, allow_fragments)

    setattr(urlparse, "remembered", True)  # noqa: B010
    setattr(urllib.parse, "urlparse", urlparse)  # noqa: B010


def patch_models(module: ModuleType) -> None:
    """Patch `requests.models`: a whole body is read in larger pieces."""
    if isinstance(getattr(module, "CONTENT_CHUNK_SIZE", None), int):
        setattr(module, "CONTENT_CHUNK_SIZE", _CONTENT_BYTES)  # noqa: B010


def patch_cookies(module: ModuleType) -> None:
    """Patch `requests.cookies`: where there are no cookies, none are looked for."""
    jars: Any = http.cookiejar.CookieJar
    extract, header = module.extract_cookies_to_jar, module.get_cookie_header

    def extract_cookies_to_jar(jar: Any, request: Any, response: Any) -> None:
        message: Any = getattr(getattr(response, "_original_response", None), "msg", None)
        known = type(message) is http.client.HTTPMessage and type(jar).extract_cookies is jars.extract_cookies
        if not known or any(name.lower() in _COOKIES for name, _ in message.raw_items()):
            extract(jar, request, response)

    def get_cookie_header(jar: Any, request: Any) -> Any:
        if type(jar).add_cookie_header is jars.add_cookie_header and not jar._cookies:
            return None
        return header(jar, request)

    setattr(module, "extract_cookies_to_jar", extract_cookies_to_jar)  # noqa: B010
    setattr(module, "get_cookie_header", get_cookie_header)  # noqa: B010


def patch_utils(module: ModuleType) -> None:
    """Patch `requests.utils`: no variable of the environment names a proxy or a file of passwords."""
    netrc, proxies = module.get_netrc_auth, module.get_environ_proxies

    def get_netrc_auth(url: Any, raise_errors: bool = False) -> Any:
        if "NETRC" not in os.environ and "HOME" not in os.environ:
            return None
        return netrc(url, raise_errors)

    def get_environ_proxies(url: Any, no_proxy: Any = None) -> Any:
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            return {}
        return proxies(url, no_proxy=no_proxy)

    setattr(module, "get_netrc_auth", get_netrc_auth)  # noqa: B010
    setattr(module, "get_environ_proxies", get_environ_proxies)  # noqa: B010


def patch_structures(module: ModuleType) -> None:
    """Patch `requests.structures`: headers are copied without asking each for its name twice."""
    kind = module.CaseInsensitiveDict
    make = kind.__init__

    def made(self: Any, data: Any = None, **kwargs: Any) -> None:
        given = type(data)
        if type(self) is not kind or kwargs or given not in (kind, dict, list):
            make(self, data, **kwargs)
            return
        make(self)
        store = self._store
        if given is kind:
            store.update(data._store)
            return
        for key, value in data.items() if given is dict else data:
            store[key.lower()] = (key, value)

    made.__name__, made.__qualname__ = make.__name__, make.__qualname__
    kind.__init__ = made
