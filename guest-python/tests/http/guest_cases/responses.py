"""What comes back: bodies, and the end of an exchange."""

from __future__ import annotations

import gc
import http.client
import io
import socket
from typing import Any

import requests
from componentize_py_types import Err
from wit_world.imports import http as host

from guest_cases.support import case, raises
from sluice._http import _errors
from sluice._http import install as install_again
from sluice._http._exchange import Pending
from sluice._http._file import ResponseFile


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
