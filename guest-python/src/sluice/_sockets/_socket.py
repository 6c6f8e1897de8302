"""`socket.socket` over connections of the host."""

from __future__ import annotations

import errno
import math
import os
import socket
import sys
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any

from . import _contract, _local
from ._constants import AF_INET, AF_INET6, STREAM
from ._makefile import makefile
from ._names import standing_for

_READ_AHEAD = 64 * 1024
_MAX_MILLISECONDS = 0xFFFF_FFFF
_FIRST_NUMBER = 1 << 16

_open: weakref.WeakValueDictionary[int, Socket] = weakref.WeakValueDictionary()
_next_number = _FIRST_NUMBER

_PEEK: int = getattr(socket, "MSG_PEEK", 2)
_WAIT_ALL: int = getattr(socket, "MSG_WAITALL", 0x100)
_DO_NOT_WAIT: int = getattr(socket, "MSG_DONTWAIT", 0x40)


def by_number(number: int) -> Socket | None:
    """The open socket with that file number, if it is one."""
    return _open.get(number)


class Socket:
    """A TCP socket whose connection is the host's.

    Options are taken and have no effect. It listens only for the connector itself.
    """

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        global _next_number
        self._stream: _contract.Stream | None = None
        self._ahead = b""
        self._position = 0
        self._ended = False
        self._peer: tuple[Any, ...] | None = None
        self._listens: int | None = None
        self._waiting: deque[Socket] = deque()
        self._timeout = socket.getdefaulttimeout()
        self._io_refs = 0
        self._closed = False
        self.family = AF_INET if family == -1 else family
        self.type = STREAM if type == -1 else type & 0xF
        self.proto = 0 if proto == -1 else proto
        if self.family not in (AF_INET, AF_INET6):
            raise OSError(errno.EAFNOSUPPORT, "a connector has TCP sockets only, none of the system")
        if fileno is None:
            self._number = _next_number
            _next_number += 1
        else:
            previous = by_number(fileno)
            if previous is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._take(previous)
            self._number = fileno
        _open[self._number] = self

    # connecting

    def connect(self, address: Any) -> None:
        """Connect to (host, port) and wait for it, whatever the timeout is."""
        host, port = _address(address)
        if self._stream is not None:
            raise OSError(errno.EISCONN, os.strerror(errno.EISCONN))
        self._check_open()
        if self.type != STREAM:
            raise OSError(errno.EPROTONOSUPPORT, "a connector has TCP sockets only, no UDP")
        sys.audit("socket.connect", self, address)
        listener = _local.listener(host, port)
        if listener is not None:
            self._stream = listener._incoming()
        else:
            self._stream = self._connected(host, port)
        self._peer = (host, port) if self.family == AF_INET else (host, port, 0, 0)

    def _connected(self, host: str, port: int) -> _contract.Stream:
        return _contract.connect(host, port, tls=False, wait=_wait(self._timeout) or None)

    def connect_ex(self, address: Any) -> int:
        """The same; the number of the error instead of an exception."""
        try:
            self.connect(address)
        except TimeoutError:
            return errno.EAGAIN
        except socket.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.ECONNREFUSED
        return 0

    def bind(self, address: Any) -> None:
        """Take a loopback port, for connections of the connector to itself."""
        host, port = _address(address)
        if host not in _local.LOOPBACK:
            raise PermissionError(errno.EPERM, "a connector cannot be connected to")
        self._listens = _local.listen(self, port)

    def listen(self, backlog: int = 0) -> None:
        """Be ready for `accept`."""
        if self._listens is None:
            self._listens = _local.listen(self, 0)

    def _incoming(self) -> _local.Pipe:
        near, far = _local.pair()
        accepted = _of_stream(far)
        self._waiting.append(accepted)
        return near

    def accept(self) -> tuple[Socket, Any]:
        """The next connection that the connector made to this port."""
        if not self._waiting:
            if self._listens is None or self._timeout == 0:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            raise PermissionError(errno.EPERM, "a connector cannot be connected to")
        return self._waiting.popleft(), ("127.0.0.1", 0)

    # reading

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The next bytes, at most `bufsize`; empty at the end."""
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        if bufsize == 0:
            return b""
        if flags & _WAIT_ALL:
            return self._recv_all(bufsize)
        if self._position == len(self._ahead):
            if bufsize >= _READ_AHEAD and not flags:
                return self._read(bufsize)
            self._ahead = self._read(_READ_AHEAD, waits=not flags & _DO_NOT_WAIT)
            self._position = 0
        end = self._position + bufsize
        data = self._ahead[self._position : end]
        if not flags & _PEEK:
            self._position = min(end, len(self._ahead))
        return data

    def _recv_all(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            piece = self.recv(size - len(pieces))
            if not piece:
                break
            pieces += piece
        return bytes(pieces)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """The same into a buffer; the number of bytes."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        """The next bytes and where they came from."""
        return self.recv(bufsize, flags), self._peer

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, Any]:
        """The next bytes, without anything beside them."""
        return self.recv(bufsize, flags), [], 0, self._peer

    def _read(self, size: int, *, waits: bool = True) -> bytes:
        stream = self._connection()
        if self._ended:
            return b""
        if self._timeout == 0 or not waits:
            if not stream.ready(0):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            wait = None
        else:
            wait = _wait(self._timeout)
        data = stream.read(size, wait)
        self._ended = not data
        return data

    def pending(self) -> int:
        """The number of bytes that are here already."""
        return len(self._ahead) - self._position

    def readable(self, wait: int | None) -> bool:
        """Whether `recv` or `accept` returns without waiting, within so many milliseconds."""
        if self._closed or self.pending() or self._ended or self._waiting:
            return True
        return self._stream is not None and self._stream.ready(wait)

    def available(self) -> bool:
        """Whether `recv` or `accept` returns at once, as far as it is known without asking the host."""
        if self._closed or self.pending() or self._ended or self._waiting:
            return True
        return isinstance(self._stream, _local.Pipe) and self._stream.ready(0)

    def subscribe(self) -> Any:
        """A pollable of the host that is ready when `recv` returns at once; None where there is none."""
        return self._stream.subscribe() if isinstance(self._stream, _contract.HostStream) else None

    # writing

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it."""
        stream = self._connection()
        if type(data) is not bytes:
            data = bytes(memoryview(data))
        wait = _wait(self._timeout) or None
        if len(data) <= _contract.MAX_BYTES:
            if data:
                stream.write(data, wait)
            return
        for start in range(0, len(data), _contract.MAX_BYTES):
            stream.write(data[start : start + _contract.MAX_BYTES], wait)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send bytes: all of them."""
        self.sendall(data)
        return memoryview(data).nbytes

    def sendmsg(self, buffers: Iterable[Any], *_ancillary: Any) -> int:
        """Send several buffers: all of them."""
        data = b"".join(bytes(memoryview(buffer)) for buffer in buffers)
        self.sendall(data)
        return len(data)

    def sendto(self, data: Any, *rest: Any) -> int:
        """Send on a connection: there is no UDP."""
        if self._stream is None:
            raise OSError(errno.EPROTONOSUPPORT, "a connector has TCP sockets only, no UDP")
        return self.send(data)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send the rest of a file."""
        if offset:
            file.seek(offset)
        return self.send(file.read() if count is None else file.read(count))

    def shutdown(self, how: int) -> None:
        """Say that nothing more will be written; reading goes on."""
        stream = self._connection()
        if how in (getattr(socket, "SHUT_WR", 1), getattr(socket, "SHUT_RDWR", 2)):
            stream.finish()

    # settings

    def settimeout(self, value: float | None) -> None:
        """How long reads and writes wait, in seconds."""
        if value is not None:
            value = float(value)
            if math.isnan(value) or value < 0:
                raise ValueError("Timeout value out of range")
        self._timeout = value

    def gettimeout(self) -> float | None:
        """The timeout in seconds."""
        return self._timeout

    @property
    def timeout(self) -> float | None:
        """The timeout in seconds."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        """Wait without end, or not at all."""
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        """Whether calls wait."""
        return self._timeout != 0

    def setsockopt(self, *_args: Any) -> None:
        """Options are the host's; nothing happens."""

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """The type of the socket; 0 for every other option, so that no error is reported."""
        if buflen:
            return bytes(buflen)
        return STREAM if optname == getattr(socket, "SO_TYPE", 3) else 0

    def getpeername(self) -> Any:
        """What was connected to."""
        if self._peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._peer

    def getsockname(self) -> Any:
        """Unknown here, but for a loopback port."""
        name = ("127.0.0.1", self._listens) if self._listens is not None else ("0.0.0.0", 0)
        return name if self.family == AF_INET else (*name, 0, 0)

    def get_inheritable(self) -> bool:
        """There are no child processes."""
        return False

    def set_inheritable(self, inheritable: bool) -> None:
        """There are no child processes."""

    # files, numbers, the end

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:
        """A file over the connection."""
        file = makefile(self, mode, buffering, encoding, errors, newline)
        self._io_refs += 1
        return file

    def fileno(self) -> int:
        """A number that `select` and selectors know; no descriptor of a system."""
        return -1 if self._closed else self._number

    def detach(self) -> int:
        """Give the connection away: a socket made with this number has it."""
        number = self.fileno()
        self._closed = True
        return number

    def dup(self) -> Socket:
        """Another socket of the same connection, which lasts until both are closed.

        What was read ahead goes on with the new one.
        """
        self._check_open()
        made = Socket(self.family, self.type, self.proto)
        number = made._number
        made._share(self)
        _open[number] = made
        return made

    def _share(self, other: Socket) -> None:
        for name in ("_stream", "_timeout", "_peer", "_ended", "_ahead", "_position"):
            setattr(self, name, getattr(other, name))
        other._ahead, other._position = b"", 0
        if self._stream is not None:
            self._stream.share()

    def close(self) -> None:
        """Close; files made of it keep the connection until they are closed."""
        self._closed = True
        if self._io_refs <= 0:
            self._real_close()

    def _decref_socketios(self) -> None:
        self._io_refs = max(0, self._io_refs - 1)
        if self._closed:
            self.close()

    def _real_close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        if self._listens is not None:
            _local.forget(self, self._listens)

    def _take(self, other: Socket) -> None:
        """Have what another socket has; that one is closed afterwards."""
        for name in (
            "family",
            "type",
            "proto",
            "_timeout",
            "_peer",
            "_ended",
            "_ahead",
            "_position",
            "_listens",
        ):
            setattr(self, name, getattr(other, name))
        self._stream, other._stream = other._stream, None
        other._closed, other._listens = True, None

    def _connection(self) -> _contract.Stream:
        if self._stream is None:
            self._check_open()
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._stream

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closed:
            self.close()

    def __repr__(self) -> str:
        closed = " [closed]" if self._closed else ""
        return f"<socket.socket{closed} peer={self._peer}>"


def _of_stream(stream: _contract.Stream) -> Socket:
    made = Socket()
    made._stream = stream
    made._peer = ("127.0.0.1", 0)
    return made


def socketpair(*_kind: Any) -> tuple[Socket, Socket]:
    """Two sockets of the connector that are connected."""
    one, other = _local.pair()
    return _of_stream(one), _of_stream(other)


def _address(address: Any) -> tuple[str, int]:
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError(f"expected (host, port), got {type(address).__name__}")
    host, port = address[:2]
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii")
    return standing_for(str(host)), int(port)


def _wait(seconds: float | None) -> int | None:
    if seconds is None or seconds * 1000 >= _MAX_MILLISECONDS:
        return None
    return math.ceil(seconds * 1000)
