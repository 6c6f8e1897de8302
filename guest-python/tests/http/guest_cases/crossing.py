"""What crosses to the host, and what never does."""

from __future__ import annotations

import http.client
import socket
import warnings

import requests
import urllib3
from snippets import session
from urllib3.util import Retry
from wit_world.imports import http as host

from guest_cases.support import case, crossings, last, raises
from sluice._http import _wire


@case
def headers_of_the_host_stay(env):
    given = {"Connection": "close", "Proxy-Authorization": "x", "Upgrade": "h2c", "X-Mine": "1"}
    names = [header.name for header in last(env, method="POST", data=b"a", headers=given).headers]
    assert names == ["User-Agent", "Accept-Encoding", "Accept", "X-Mine"]


@case
def host_header_crosses_only_when_it_differs(env):
    assert not any(header.name == "Host" for header in last(env).headers)
    named = [
        header.value for header in last(env, headers={"Host": "a.test"}).headers if header.name == "Host"
    ]
    assert named == [b"a.test"]


@case
def body_is_absent_or_whole(env):
    assert last(env).body is None
    assert last(env, method="POST").body == b""
    assert last(env, method="POST", data=iter([b"a", b"", b"b"])).body == b"ab"
    assert last(env, method="POST", data=bytearray(b"abc")).body == b"abc"
    assert type(last(env, method="POST", data=memoryview(b"abc")).body) is bytes


@case
def body_at_and_over_the_limit(env):
    most = 16 << 20
    assert len(last(env, method="POST", data=b"x" * most).body) == most
    text = "larger than 16 MiB"
    with crossings(0):
        with raises(ValueError, text):
            session(Retry(total=3, allowed_methods=None)).post(env.url + "/echo", data=b"x" * (most + 1))
        with raises(ValueError, text):
            requests.post(env.url + "/echo", data=(b"x" * (1 << 20) for _ in range(17)))
        with raises(ValueError, text):
            http.client.HTTPConnection("127.0.0.1", env.port).request("POST", "/", body=b"x" * (most + 1))


@case
def body_that_is_not_what_was_announced(env):
    with crossings(0), raises(ValueError, "ends after 1 bytes, before 2 bytes"):
        connection = http.client.HTTPConnection("127.0.0.1", env.port)
        connection.request("POST", "/echo", b"a", {"Content-Length": "2"})
        connection.getresponse()
    with crossings(0), raises(ValueError, "longer"):
        http.client.HTTPConnection("h.test").request("POST", "/", b"abc", {"Content-Length": "2"})
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", "/echo")
    with raises(ValueError, "after the end"):
        connection.send(b"more")


@case
def chunks_in_any_pieces(env):
    framed = b"4\r\nabcd\r\nA\r\n0123456789\r\n0\r\n\r\n"
    for size in range(1, len(framed) + 1):
        reader = _wire.RequestReader()
        reader.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(framed), size):
            reader.feed(framed[start : start + size])
        assert reader.complete
        assert reader.body() == b"abcd0123456789"
    for bad in (b"x\r\n", b"-1\r\n", b"\r\n", b"1\r\nabc", b"2\r\nabcd", b"FFFFFFFFF\r\n"):
        reader = _wire.RequestReader()
        reader.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        with raises(ValueError):
            reader.feed(bad)


@case
def head_in_any_pieces(env):
    head = b"PUT /a?b HTTP/1.1\r\nHost: h\r\nX-A:  b \r\nX-F: a\r\n\tb\r\nContent-Length: 3\r\n\r\nabc"
    for size in range(1, len(head) + 1):
        reader = _wire.RequestReader()
        for start in range(0, len(head), size):
            reader.feed(head[start : start + size])
        assert (reader.method, reader.target, reader.host, reader.body()) == ("PUT", "/a?b", b"h", b"abc")
        assert reader.headers == [("X-A", b"b"), ("X-F", b"a b")]


@case
def nothing_that_would_abort_the_guest_crosses(env):
    with crossings(0):
        for headers in ({"bad name": "x"}, {"X": "\ud800"}, {"X-Ünicode": "x"}, {"X": "a\0b"}):
            with raises(ValueError):
                requests.get(env.url + "/echo", headers=headers)
        with raises(UnicodeError):
            requests.post(env.url + "/echo", data="\ud800")
        for target in ("/\ud800", "/é"):
            with raises(UnicodeError):
                http.client.HTTPConnection("h.test").request("GET", target)
        for wait in (float("nan"), -1):
            with raises(ValueError):
                http.client.HTTPConnection("h.test", timeout=wait).request("GET", "/")


@case
def hosts_that_would_make_another_url(env):
    with crossings(0):
        for name in ("user@other.test", "other.test/", "a?b", "a#b", "a\\b", ""):
            with raises(socket.gaierror):
                http.client.HTTPConnection(name, 80).request("GET", "/")
        with raises(urllib3.exceptions.NameResolutionError):
            urllib3.HTTPConnectionPool("a@b", 80, retries=False).request("GET", "/")


@case
def international_and_numeric_hosts(env):
    for given, authority in (
        ("bücher.invalid", "xn--bcher-kva.invalid"),
        ("::1", "[::1]"),
        ("A.invalid.", "A.invalid."),
    ):
        with raises(OSError):
            http.client.HTTPConnection(given, 8).request("GET", "/")
        assert host.sent[-1].url == f"http://{authority}:8/"


@case
def default_ports_are_not_written(env):
    with raises(OSError):
        http.client.HTTPSConnection("a.invalid").request("GET", "/x")
    assert host.sent[-1].url == "https://a.invalid/x"


@case
def proxies_of_requests_are_ignored_aloud(env):
    for url in (env.url, env.tls):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert requests.get(
                url + "/echo", proxies={"http": "http://p.test:1", "https": "http://p.test:1"}
            ).ok
        assert all("ignored" in str(warning.message) for warning in seen)
        assert seen


@case
def proxies_are_refused(env):
    with crossings(0):
        connection = http.client.HTTPSConnection("p.test")
        connection.set_tunnel("h.test")
        with raises(OSError, "proxies are the host's"):
            connection.request("GET", "/")
        with raises(ValueError, "not a path"):
            http.client.HTTPConnection("p.test").request("GET", "http://h.test/")
