"""`ssl.SSLSocket` over connections on which the host speaks TLS."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import Any, NoReturn

from . import _contract
from ._socket import Socket, _wait

_NO_EFFECT = (
    "; CERT_NONE has no effect: the host verifies, always, for the name that is connected to; "
    "an operator can trust a private authority with --ca-file"
)


class TLSSocket(Socket):
    """A socket whose bytes the host encrypts. The host verifies the server's certificate, always."""

    context: ssl.SSLContext
    server_hostname: str | None
    server_side = False
    session: Any = None
    session_reused = False

    @classmethod
    def _create(
        cls,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | None = None,
        context: ssl.SSLContext | None = None,
        session: Any = None,
    ) -> TLSSocket:
        """What `SSLContext.wrap_socket` calls."""
        if server_side:
            raise ValueError("a connector cannot be a TLS server")
        if context is None:
            raise ValueError("a context is needed")
        if context.check_hostname and not server_hostname:
            raise ValueError("check_hostname requires server_hostname")
        _check_clear(sock)
        made = cls(sock.family, sock.type, sock.proto)
        made._take(sock)
        made.context = context
        made.server_hostname = server_hostname
        made._details = None
        made._checks_name()
        if made._stream is not None and do_handshake_on_connect:
            try:
                made.do_handshake()
            except BaseException:
                made.close()
                raise
        return made

    _details: _contract.Details | None = None

    def _checks_name(self) -> None:
        if self.context.check_hostname:
            _check_name(self, self.server_hostname)

    def _connected(self, host: str, port: int) -> _contract.Stream:
        # a name of its own must be that of the connection: see `_checks_name`
        self._peer = (host, port)
        self._checks_name()
        try:
            stream = _contract.connect(host, port, tls=True, wait=_wait(self._timeout) or None)
        except ssl.SSLCertVerificationError as error:
            raise self._explained(error) from None
        self._details = stream.details()
        return stream

    def do_handshake(self, block: bool = False) -> None:
        """Let the host begin TLS; nothing when it did."""
        if self._details is not None:
            return
        try:
            self._details = self._connection().begin_tls(_wait(self._timeout) or None)
        except ssl.SSLCertVerificationError as error:
            raise self._explained(error) from None

    def _explained(self, error: ssl.SSLCertVerificationError) -> ssl.SSLCertVerificationError:
        if self.context.verify_mode != ssl.CERT_NONE:
            return error
        made = ssl.SSLCertVerificationError(1, f"{error.args[-1]}{_NO_EFFECT}")
        made.library, made.reason = error.library, error.reason
        made.verify_code, made.verify_message = error.verify_code, error.verify_message
        return made

    def _read(self, size: int, *, waits: bool = True) -> bytes:
        self.do_handshake()
        try:
            return super()._read(size, waits=waits)
        except BlockingIOError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing to read yet") from None

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.do_handshake()
        super().sendall(data)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """The next bytes; into `buffer` the number of them."""
        return self.recv(len) if buffer is None else self.recv_into(buffer, len)

    def write(self, data: Any) -> int:
        """Send bytes: all of them."""
        return self.send(data)

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The server's certificate as DER; otherwise only the name that the host verified it for."""
        if self._details is None:
            raise ValueError("handshake not done yet")
        if binary_form:
            return self._details.certificate or None
        if self.context.verify_mode == ssl.CERT_NONE or self._peer is None:
            return {}
        name = str(self._peer[0])
        kind = "IP Address" if ":" in name or name.replace(".", "").isdigit() else "DNS"
        return {"subject": ((("commonName", name),),), "subjectAltName": ((kind, name),)}

    def get_verified_chain(self) -> list[bytes]:
        """The chain is the host's."""
        return []

    get_unverified_chain = get_verified_chain

    def cipher(self) -> tuple[str, str, int] | None:
        """The cipher suite, the version and the bits of its key."""
        if self._details is None:
            return None
        bits = 128 if "128" in self._details.cipher else 256
        return self._details.cipher, self._details.version, bits

    def shared_ciphers(self) -> None:
        """Unknown here."""

    def compression(self) -> None:
        """Nothing is compressed."""

    def selected_alpn_protocol(self) -> None:
        """No protocol is negotiated."""

    selected_npn_protocol = selected_alpn_protocol

    def version(self) -> str | None:
        """The version of TLS."""
        return None if self._details is None else self._details.version

    def get_channel_binding(self, cb_type: str = "tls-unique") -> None:
        """There is none of the kind that a socket knows by itself."""
        if cb_type not in ssl.CHANNEL_BINDING_TYPES:
            raise ValueError(f"{cb_type} channel binding type not implemented")

    def unwrap(self) -> NoReturn:
        """TLS ends with the connection: raises `OSError`."""
        raise OSError(errno.EOPNOTSUPP, "TLS ends with the connection: close it")

    def verify_client_post_handshake(self) -> NoReturn:
        """Only a server asks for that: raises `SSLError`."""
        raise ssl.SSLError(1, os.strerror(errno.EOPNOTSUPP))


def begin_tls(sock: Any, name: str | None) -> None:
    """Let the host begin TLS under a socket that its owner keeps, and expects to lead to `name`."""
    _check_clear(sock)
    _check_name(sock, name)
    sock._connection().begin_tls(_wait(sock.gettimeout()) or None)


def _check_clear(sock: Any) -> None:
    if not isinstance(sock, Socket):
        raise ssl.SSLError(1, "TLS is spoken by the host, over sockets of this connector only")
    if sock.pending():
        raise ssl.SSLError(1, "the server sent more in the clear before TLS began")


def _check_name(sock: Socket, name: str | None) -> None:
    connected = None if sock._peer is None else str(sock._peer[0])
    if name and connected and name.lower() != connected.lower():
        raise ssl.SSLError(
            1,
            f"the host verifies the certificate for {connected}, which was connected to, "
            f"and not for {name[:253]}",
        )


def install() -> None:
    """Let contexts make these sockets."""
    TLSSocket.__name__ = TLSSocket.__qualname__ = "SSLSocket"
    TLSSocket.__module__ = "ssl"
    module: Any = ssl
    module.socket = socket.socket
    module.SSLSocket = TLSSocket
    module.SSLContext.sslsocket_class = TLSSocket
