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
from collections import OrderedDict
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from . import _contract
from ._file import BUFFER_BYTES, ResponseFile

_Received: Any = http.client.HTTPResponse
_DICTS = (dict, OrderedDict)
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
    """Patch `requests.models`: bodies are read in larger pieces, plain parameters plainly encoded."""
    if isinstance(getattr(module, "CONTENT_CHUNK_SIZE", None), int):
        setattr(module, "CONTENT_CHUNK_SIZE", _CONTENT_BYTES)  # noqa: B010
    mixin: Any = getattr(module, "RequestEncodingMixin", None)
    encode = getattr(mixin, "_encode_params", None)
    if encode is None:
        return

    def encode_params(data: Any) -> Any:
        if type(data) in _DICTS and all(
            type(name) is str and type(value) in (str, int) for name, value in data.items()
        ):
            return urllib.parse.urlencode(data)
        return encode(data)

    mixin._encode_params = staticmethod(encode_params)


def patch_sessions(module: ModuleType) -> None:
    """Patch `requests.sessions`: plain settings are merged without asking what they are."""
    merge: Any = getattr(module, "merge_setting", None)
    folding: Any = getattr(module, "CaseInsensitiveDict", None)
    if merge is None or folding is None:
        return

    def merge_setting(request_setting: Any, session_setting: Any, dict_class: Any = OrderedDict) -> Any:
        if session_setting is None:
            return request_setting
        if request_setting is None:
            return session_setting
        own, asked = type(session_setting), type(request_setting)
        if dict_class is folding and own is folding and asked in _DICTS:
            merged = folding(session_setting)
            for name, value in request_setting.items():
                merged[name] = value
            if any(value is None for _, value in merged._store.values()):
                return merge(request_setting, session_setting, dict_class)
            return merged
        if dict_class is OrderedDict and own in _DICTS and asked in _DICTS:
            merged = OrderedDict(session_setting)
            merged.update(request_setting)
            if any(value is None for value in merged.values()):
                return merge(request_setting, session_setting, dict_class)
            return merged
        return merge(request_setting, session_setting, dict_class)

    setattr(module, "merge_setting", merge_setting)  # noqa: B010


def patch_response(module: ModuleType) -> None:
    """Patch `urllib3.response`: a body that is not encoded goes around the buffer for decoded ones."""
    kind: Any = getattr(module, "HTTPResponse", None)
    stream: Any = getattr(kind, "stream", None)
    if stream is None or not hasattr(kind, "_raw_read"):
        # a version of another shape: the long way works
        return

    def straight(self: Any, amt: int | None = 1 << 16, decode_content: bool | None = None) -> Iterator[bytes]:
        received: Any = getattr(self, "_fp", None)
        plain = (
            type(self) is kind
            and type(amt) is int
            and amt > 0
            and type(received) is _Received
            and type(received.fp) is ResponseFile
            and type(received.length) is int
            and not self.chunked
            and self._decoder is None
            and "content-encoding" not in self.headers
            and not len(self._decoded_buffer)
            and type(self.length_remaining) is int
        )
        if not plain:
            yield from stream(self, amt, decode_content)
            return
        self._uncached_read_occurred = True
        file: ResponseFile = received.fp
        size: Any = amt
        large = BUFFER_BYTES <= size <= _contract.MAX_READ_BYTES and _contract.native is not None
        while received.fp is not None:
            # A whole piece that is not the last: what the library does about the end and errors is left out.
            if large and (data := _contract.native.http_piece(file, received, self, size)):
                yield data
                continue
            data = file.piece(size) if received.length > size else b""
            if data:
                received.length -= size
                self.length_remaining -= size
                self._fp_bytes_read += size
                yield data
                continue
            data = self._raw_read(size)
            while len(data) < size and not received.isclosed():
                # cut off, which raises: the library does not give the rest before that either
                data += self._raw_read(size)
            if data:
                yield data

    straight.__name__, straight.__qualname__ = stream.__name__, stream.__qualname__
    kind.stream = straight


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
    """Patch `requests.utils`.

    No variable of the environment names a proxy or a file of passwords; headers that were found good stay so;
    a URL without an `@` has no password.
    """
    netrc, proxies = module.get_netrc_auth, module.get_environ_proxies
    check, from_url = module.check_header_validity, module.get_auth_from_url
    # what is refused is not remembered
    checked = functools.lru_cache(256)(check)

    def get_netrc_auth(url: Any, raise_errors: bool = False) -> Any:
        if "NETRC" not in os.environ and "HOME" not in os.environ:
            return None
        return netrc(url, raise_errors)

    def get_environ_proxies(url: Any, no_proxy: Any = None) -> Any:
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            return {}
        return proxies(url, no_proxy=no_proxy)

    def check_header_validity(header: Any) -> None:
        if type(header) is tuple and len(header) == 2 and type(header[0]) is type(header[1]) is str:
            checked(header)
        else:
            check(header)

    def get_auth_from_url(url: Any) -> Any:
        if type(url) is str and "@" not in url and "[" not in url:
            return "", ""
        return from_url(url)

    setattr(module, "check_header_validity", check_header_validity)  # noqa: B010
    setattr(module, "get_auth_from_url", get_auth_from_url)  # noqa: B010
    setattr(module, "get_netrc_auth", get_netrc_auth)  # noqa: B010
    setattr(module, "get_environ_proxies", get_environ_proxies)  # noqa: B010


def patch_structures(module: ModuleType) -> None:
    """Patch `requests.structures`: headers are copied without asking each for its name twice."""
    kind = module.CaseInsensitiveDict
    make = kind.__init__
    if vars(kind()) != {"_store": OrderedDict()}:
        # a version of another shape: the long way works
        return

    def made(self: Any, data: Any = None, **kwargs: Any) -> None:
        given = type(data)
        if type(self) is not kind or kwargs or (data is not None and given not in (kind, dict, list)):
            make(self, data, **kwargs)
            return
        if given is kind:
            self._store = data._store.copy()
            return
        store = self._store = OrderedDict()
        if data is None:
            return
        for key, value in data.items() if given is dict else data:
            store[key.lower()] = (key, value)

    made.__name__, made.__qualname__ = make.__name__, make.__qualname__
    kind.__init__ = made
