"""What holds only in a guest; each case runs in a process that looks like one."""

from __future__ import annotations

import gc
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from componentize_py_types import Err
from snippets import Env, session
from snippets.failures import CountingRetry
from urllib3.util import Retry
from wit_world.imports import http as host

from sluice._http import _errors, _trust, _wire
from sluice._http import install as install_again
from sluice._http._exchange import Pending
from sluice._http._file import ResponseFile

CASES: dict[str, Callable[[Env], None]] = {}

__all__ = ["CASES", "Env"]


def case(function: Callable[[Env], None]) -> Callable[[Env], None]:
    CASES[function.__name__] = function
    return function


@contextmanager
def raises(kind: type[BaseException], *parts: str) -> Iterator[list[BaseException]]:
    caught: list[BaseException] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    assert caught, f"{kind.__name__} was not raised"
    for part in parts:
        assert part in str(caught[0]), f"{part!r} is not in {caught[0]}"


@contextmanager
def crossings(count: int) -> Iterator[list[Any]]:
    """The requests that cross meanwhile, as many as said."""
    before = len(host.sent)
    seen: list[Any] = []
    yield seen
    seen += host.sent[before:]
    assert len(seen) == count, seen


def last(env: Env, **arguments: Any) -> Any:
    requests.request(arguments.pop("method", "GET"), env.url + "/echo", **arguments)
    return host.sent[-1]


# Refusals ---------------------------------------------------------------------------


@case
def denied_in_requests(env):
    with crossings(1), raises(requests.ConnectionError, "not granted: http to denied.test:80") as caught:
        session(Retry(total=5, connect=5, read=5, other=5)).get("http://denied.test/")
    refused = caught[0].args[0]
    assert isinstance(refused.reason, PermissionError)
    assert isinstance(refused.__cause__, PermissionError)


@case
def denied_is_no_retry(env):
    CountingRetry.seen.clear()
    with raises(requests.ConnectionError):
        session(CountingRetry(total=5)).get("http://denied.test/")
    assert CountingRetry.seen == []


@case
def denied_in_urllib3(env):
    with crossings(1), raises(urllib3.exceptions.MaxRetryError, "not granted") as caught:
        urllib3.PoolManager(retries=4).request("GET", "http://denied.test/")
    assert isinstance(caught[0].reason, PermissionError)


@case
def denied_in_the_standard_library(env):
    with raises(PermissionError, "not granted"):
        http.client.HTTPConnection("denied.test").request("GET", "/")
    with raises(urllib.error.URLError, "not granted") as caught:
        urllib.request.urlopen("http://denied.test/")
    assert isinstance(caught[0].reason, PermissionError)


@case
def limit_is_no_retry(env):
    with crossings(1), raises(requests.ConnectionError, "request limit of this sync reached (3)"):
        session(Retry(total=5)).get("http://limited.test/")


@case
def method_that_the_contract_lacks(env):
    with crossings(1), raises(ValueError, "PROPFIND"):
        session(Retry(total=5, allowed_methods=None)).request("PROPFIND", env.url + "/echo")


# Timeouts ---------------------------------------------------------------------------


@case
def connect_timeout(env):
    with crossings(1), raises(requests.ConnectTimeout, "slow-connect.test"):
        requests.get("http://slow-connect.test/", timeout=(0.5, 9))
    CountingRetry.seen.clear()
    with crossings(3), raises(requests.ConnectTimeout):
        session(CountingRetry(total=9, connect=2)).get("http://slow-connect.test/", timeout=1)
    assert CountingRetry.seen[0].startswith("ConnectTimeoutError 8 1")
    with raises(TimeoutError):
        http.client.HTTPConnection("slow-connect.test", timeout=1).request("GET", "/")


@case
def timeouts_cross_in_milliseconds(env):
    assert last(env, timeout=(2.5, 0.25)).timeouts == host.Timeouts(2500, 250)
    assert last(env, timeout=3).timeouts == host.Timeouts(3000, 3000)
    assert last(env, timeout=(None, 0.7)).timeouts == host.Timeouts(None, 700)
    assert last(env).timeouts == host.Timeouts(None, None)
    assert last(env, timeout=1e9).timeouts == host.Timeouts(None, None)
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=1.0001)
    connection.request("GET", "/echo")
    assert host.sent[-1].timeouts == host.Timeouts(1001, 1001)
    assert http.client.HTTPConnection("127.0.0.1", env.port, timeout=None).connect() is None


@case
def timeouts_follow_each_request_of_a_session(env):
    with requests.Session() as made:
        for wait in (1, 2, 3):
            made.get(env.url + "/echo", timeout=(wait, wait + 10))
            assert host.sent[-1].timeouts == host.Timeouts(wait * 1000, wait * 1000 + 10_000)


@case
def default_timeout_of_sockets(env):
    socket.setdefaulttimeout(7)
    try:
        urllib.request.urlopen(env.url + "/echo").read()
    finally:
        socket.setdefaulttimeout(None)
    assert host.sent[-1].timeouts == host.Timeouts(7000, 7000)


# What crosses -----------------------------------------------------------------------


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


# Trust ------------------------------------------------------------------------------


@case
def verification_cannot_be_switched_off(env):
    unverified = ssl._create_unverified_context()
    text = "the host always verifies"
    with crossings(0):
        with raises(requests.exceptions.SSLError, text):
            session(Retry(total=5)).get(env.tls + "/echo", verify=False)
        with raises(urllib3.exceptions.MaxRetryError, text) as caught:
            urllib3.PoolManager(cert_reqs="CERT_NONE", retries=3).request("GET", env.tls)
        assert isinstance(caught[0].reason, urllib3.exceptions.SSLError)
        with raises(urllib3.exceptions.MaxRetryError, text):
            urllib3.PoolManager(ssl_context=unverified).request("GET", env.tls)
        with raises(ssl.SSLError, text):
            http.client.HTTPSConnection("localhost", context=unverified).request("GET", "/")
        with raises(urllib.error.URLError, text):
            urllib.request.urlopen(env.tls, context=unverified)
    assert requests.get(env.url + "/echo", verify=False).ok


@case
def certificates_of_the_connector(env):
    with crossings(0):
        with raises(requests.exceptions.SSLError, "client certificate"):
            requests.get(env.tls + "/echo", cert=("a.pem", "a.key"))
        with raises(urllib3.exceptions.MaxRetryError, "client certificate"):
            urllib3.PoolManager(cert_file="a.pem").request("GET", env.tls)
        with raises(ssl.SSLError, "client certificate"):
            ssl.create_default_context().load_cert_chain("a.pem")
        for setting in (
            {"assert_fingerprint": "00" * 32},
            {"assert_hostname": "x"},
            {"server_hostname": "x"},
        ):
            with raises(urllib3.exceptions.MaxRetryError, "cannot be checked"):
                urllib3.PoolManager(**setting).request("GET", env.tls)


@case
def trust_of_the_connector_is_ignored_aloud(env):
    def context() -> ssl.SSLContext:
        return ssl.create_default_context(cafile="/mine.pem")

    for use in (
        lambda: requests.get(env.tls + "/echo", verify="/mine.pem"),
        lambda: urllib3.PoolManager(ca_certs="/mine.pem").request("GET", env.tls + "/echo"),
        lambda: urllib.request.urlopen(env.tls + "/echo", context=context()),
    ):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            use().close()
        assert ["ignored" in str(warning.message) for warning in seen] == [True], seen


@case
def certifi_names_the_trust_of_the_host(env):
    import certifi

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        context = ssl.create_default_context(cafile=certifi.where())
        assert urllib.request.urlopen(env.tls + "/echo", context=context).status == 200
        assert requests.get(env.tls + "/echo", verify=certifi.where()).ok
        assert requests.certs.where() == _trust.HOST_TRUST


# Sockets and TLS --------------------------------------------------------------------


@case
def sockets_have_no_names(env):
    for call in (
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.gethostbyname("localhost"),
        lambda: socket.create_connection(("localhost", 80)),
    ):
        with raises(OSError, "a connector has no sockets"):
            call()


@case
def contexts_can_be_configured(env):
    assert ssl.OPENSSL_VERSION.startswith("OpenSSL 3.0.0 (stand-in")
    context = ssl.create_default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    with raises(ValueError):
        context.verify_mode = ssl.CERT_NONE
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.check_hostname = True
    assert context.verify_mode is ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_ciphers("HIGH")
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs()
    assert context.protocol is ssl.PROTOCOL_TLS_CLIENT
    assert context.get_ca_certs() == []
    assert ssl.Purpose.CLIENT_AUTH.shortname == "clientAuth"
    assert len(ssl.RAND_bytes(8)) == 8
    assert ssl.get_default_verify_paths().openssl_cafile == _trust.HOST_TRUST


@case
def sockets_cannot_be_wrapped(env):
    context = ssl.create_default_context()
    with raises(ssl.SSLError, "TLS is spoken by the host"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="h")
    with socket.socket() as plain:
        plain.connect(("127.0.0.1", env.port))
        with raises(ssl.SSLError, "TLS is spoken by the host"):
            context.wrap_socket(plain, server_hostname="h")


@case
def errors_of_tls_look_as_always(env):
    error = _errors.from_host(host.Error_Certificate("expired"))
    assert isinstance(error, ssl.SSLError)
    assert isinstance(error, ValueError)
    assert error.reason == "CERTIFICATE_VERIFY_FAILED"
    assert error.verify_message == "expired"
    assert type(error).__module__ == "ssl"
    assert str(error).startswith("[SSL: CERTIFICATE_VERIFY_FAILED]")


@case
def memory_bio(env):
    bio = ssl.MemoryBIO()
    assert bio.write(b"abcd") == 4
    assert bio.read(3) == b"abc"
    assert bio.pending == 1
    assert not bio.eof
    bio.write_eof()
    assert bio.read() == b"d"
    assert bio.eof


# Responses --------------------------------------------------------------------------


@case
def exchange_ends_with_its_response(env):
    # By URL, not by number: what former cases left for the collector may be released meanwhile.
    closed, read, dropped, unasked = (f"{env.url}/big?kib=3000&then={n}" for n in range(4))
    requests.get(closed, stream=True).close()
    assert closed in host.released
    requests.get(read)
    assert read in host.released
    response = requests.get(dropped, stream=True)
    assert dropped not in host.released
    del response
    gc.collect()
    assert dropped in host.released
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", unasked.removeprefix(env.url))
    connection.close()
    assert unasked in host.released


class Scripted:
    """An exchange that gives one thing after another."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.asked: list[int] = []

    def read(self, size: int) -> bytes:
        self.asked.append(size)
        step = self.steps.pop(0) if self.steps else b""
        if isinstance(step, bytes):
            return step[:size]
        raise Err(step)

    def release(self) -> None:
        self.steps.clear()


def opened(*steps: Any, chunked: bool = False, sized: bool = False) -> ResponseFile:
    pending = Pending.__new__(Pending)
    pending._request = None
    pending.exchange = Scripted(*steps)
    made = ResponseFile(pending)
    made.chunked, made.sized = chunked, sized
    return made


@case
def file_reads(env):
    assert opened(b"ab", b"cd").read() == b"abcd"
    assert opened(b"ab", b"cd").read(3) == b"abc"
    made = opened(b"ab\ncd", b"e\nf")
    assert [made.readline(), made.readline(2), made.readline(), made.readline(), made.readline()] == [
        b"ab\n",
        b"cd",
        b"e\n",
        b"f",
        b"",
    ]
    made = opened(b"abcd", b"ef")
    assert (made.peek(), made.read1(3), made.read1(), made.read1(), made.read1()) == (
        b"abcd",
        b"abc",
        b"d",
        b"ef",
        b"",
    )
    made.close()
    made.close()
    assert made.read() == b""
    assert made.closed
    with raises(io.UnsupportedOperation):
        made.fileno()


@case
def file_frames_what_arrives(env):
    assert (
        opened(b"abc", b"x" * 17, chunked=True).read() == b"3\r\nabc\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
    )
    assert opened(b"abc", host.Error_ConnectionClosed("gone"), chunked=True).read() == b"3\r\nabc\r\n"


@case
def file_never_takes_a_failure_for_the_end(env):
    made = opened(b"abc", host.Error_ConnectionClosed("gone"))
    assert made.read(3) == b"abc"
    for _ in range(2):
        with raises(ConnectionResetError, "gone"):
            made.read(1)
    made = opened(b"abc", host.Error_ReadTimeout("silent"), chunked=True)
    for _ in range(2):
        with raises(TimeoutError, "silent"):
            made.read(100)
    for kind in (host.Error_Limit, host.Error_Denied):
        with raises(OSError, "no more"):
            opened(kind("no more"), sized=True).read()


@case
def large_reads_are_not_copied(env):
    piece = b"x" * 100_000
    made = opened(piece)
    assert made.read(100_000) is piece
    assert made._pending.exchange.asked == [100_000]


@case
def limit_within_a_body(env):
    error = _errors.from_host(host.Error_Limit("response limit (1 MiB)"))
    assert isinstance(error, OSError)
    assert "response limit (1 MiB)" in str(error)


@case
def sockets_answer_what_libraries_ask(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.connect()
    made = connection.sock
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.settimeout(3)
    assert made.gettimeout() == 3
    assert made.send(b"GET /echo HTTP/1.1\r\n\r\n") == 22
    with raises(io.UnsupportedOperation):
        made.fileno()
    with raises(io.UnsupportedOperation):
        made.makefile("w")
    connection.close()
    with raises(OSError):
        made.makefile("rb")


@case
def debug_level_prints(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.set_debuglevel(1)
    connection.request("GET", "/echo")
    assert connection.getresponse().status == 200


@case
def install_may_be_repeated(env):
    connect = http.client.HTTPConnection.connect
    install_again()
    assert http.client.HTTPConnection.connect is connect
    assert requests.get(env.url + "/echo").ok
