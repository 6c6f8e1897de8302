"""The short way of a request through `urllib3`: no text of HTTP is written only to be read again.

It is taken where nothing is out of the ordinary, which is nearly always. Everything else (other types of
bodies, chunks, headers that must be refused, subclasses with methods of their own) goes the library's own
way, and so ends as it always does.
"""

from __future__ import annotations

import http.client
import re
from functools import lru_cache
from types import ModuleType
from typing import Any

from ._socket import GuestSocket
from ._wire import HOST_OWNED, RequestReader

_is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_method = re.compile(r"[A-Z]+").fullmatch
_is_target = re.compile(r"/[\x21-\x7e]*").fullmatch
_WITHOUT_BODY = frozenset(("GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT"))
_LEFT_OUT = object()
_Received: Any = http.client.HTTPResponse
_SKIPPED = "@@@SKIP_HEADER@@@"


def patch(module: ModuleType) -> None:
    """Patch `request` and `getresponse` of `urllib3.connection`."""
    plain: Any = getattr(module, "HTTPConnection", None)
    secure: Any = getattr(module, "HTTPSConnection", None)
    options: Any = getattr(module, "_ResponseOptions", None)
    user_agent: Any = getattr(module, "_get_default_user_agent", None)
    if (
        options is None
        or user_agent is None
        or "_response_options" not in vars(plain)["request"].__code__.co_names
    ):
        # a version of another shape: the long way works
        return
    request, getresponse = plain.request, plain.getresponse
    own = (plain, secure)

    def direct_request(
        self: Any,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *,
        chunked: bool = False,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> None:
        if type(self) in own and not chunked and _is_target(url) and _is_method(method):
            whole = _read(method, url, body, headers, user_agent)
            if whole is not None:
                if self.sock is None:
                    self.connect()
                if type(self.sock) is GuestSocket:
                    if self.sock.complete:
                        raise http.client.CannotSendRequest("Request-sent")
                    self.sock.settimeout(self.timeout)
                    self.sock.take(whole)
                    self._response_options = options(
                        method, url, preload_content, decode_content, enforce_content_length
                    )
                    return
        request(
            self,
            method,
            url,
            body=body,
            headers=headers,
            chunked=chunked,
            preload_content=preload_content,
            decode_content=decode_content,
            enforce_content_length=enforce_content_length,
        )

    def direct_getresponse(self: Any) -> Any:
        sock, asked = self.sock, self._response_options
        if type(sock) is not GuestSocket or not sock.took or asked is None:
            return getresponse(self)
        self._response_options = None
        sock.settimeout(self.timeout)
        from urllib3._collections import HTTPHeaderDict
        from urllib3.response import HTTPResponse

        try:
            received = _Received(sock, method=asked.request_method)
            try:
                received.begin()
            except BaseException:
                received.close()
                raise
        except ConnectionError:
            self.close()
            raise
        if received.will_close:
            self.close()
        return HTTPResponse(
            body=received,  # type: ignore[arg-type,unused-ignore]
            headers=HTTPHeaderDict(received.msg.raw_items()),
            status=received.status,
            version=11,
            version_string="HTTP/1.1",
            reason=received.reason,
            preload_content=asked.preload_content,
            decode_content=asked.decode_content,
            original_response=received,  # type: ignore[arg-type,unused-ignore]
            enforce_content_length=asked.enforce_content_length,
            request_method=asked.request_method,
            request_url=asked.request_url,
            sock_shutdown=sock.shutdown,
        )

    plain.request = direct_request
    plain.getresponse = direct_getresponse


def _read(method: str, target: str, body: Any, headers: Any, user_agent: Any) -> RequestReader | None:
    """The request as what would have been written would be read; None when it is not plain."""
    kind = type(body)
    if kind is str:
        body = body.encode()
    elif body is not None and kind is not bytes:
        return None
    host, length, fields, names = b"", None, [], set()
    for name, value in () if headers is None else headers.items():
        try:
            lowered, field = _field(name, value)
        except TypeError:
            return None
        if field is None or lowered in names:
            return None
        names.add(lowered)
        if field is _LEFT_OUT:
            if lowered == "transfer-encoding":
                return None
            if lowered == "content-length":
                length = value
        elif lowered == "host":
            host = field[1]
        else:
            fields.append(field)
    if length is not None and str(length if type(length) is str else length.decode("latin-1")) != str(
        len(body or b"")
    ):
        return None
    if body is None and (length is not None or method not in _WITHOUT_BODY):
        body = b""
    if "user-agent" not in names:
        fields.insert(0, ("User-Agent", user_agent().encode("latin-1")))
    if "accept-encoding" not in names:
        fields.insert(0, ("Accept-Encoding", b"identity"))
    return RequestReader.whole(method, target, host, fields, body)


@lru_cache(maxsize=256, typed=True)
def _field(name: Any, value: Any) -> tuple[str, Any]:
    """The name in lower case, and the field: None when the library must judge it."""
    if type(name) is not str or type(value) not in (str, bytes):
        raise TypeError
    lowered = name.lower()
    try:
        octets = value if type(value) is bytes else value.encode("latin-1")
    except UnicodeEncodeError:
        return lowered, None
    if _is_token(name) is None or value == _SKIPPED or any(octet in octets for octet in b"\r\n\0"):
        return lowered, None
    if lowered in HOST_OWNED or lowered.startswith("proxy-"):
        return lowered, _LEFT_OUT
    return lowered, (name, octets.strip(b" \t"))
