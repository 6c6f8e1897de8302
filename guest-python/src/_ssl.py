"""Stands for CPython's C module of this name, which a guest does not have.

With it the standard library's own `ssl` can be imported and contexts can be configured,
which `http.client`, `urllib.request`, `urllib3` and drivers do before they make a connection.
There is no TLS engine behind it: the host speaks TLS, and `sluice._sockets` hands it the sockets
that are wrapped. Anything else that is wrapped raises `SSLError`. Outside a guest the real module
is used, even when this one comes first.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, NoReturn

OPENSSL_VERSION = "OpenSSL 3.0.0 (stand-in: TLS is spoken by the host)"
OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
_OPENSSL_API_VERSION = OPENSSL_VERSION_INFO
_DEFAULT_CIPHERS = "DEFAULT"
_HOST_TRUST = "/host/trusted-certificates.pem"
_NO_ENGINE = "TLS is spoken by the host, over the sockets of `socket`: nothing else can be wrapped"

HAS_SNI = HAS_ECDH = HAS_ALPN = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_NPN = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = HAS_PHA = HAS_TLS_UNIQUE = False

PROTOCOL_TLS = PROTOCOL_SSLv23 = 2
PROTOCOL_TLSv1, PROTOCOL_TLSv1_1, PROTOCOL_TLSv1_2 = 3, 4, 5
PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER = 16, 17

PROTO_MINIMUM_SUPPORTED, PROTO_MAXIMUM_SUPPORTED = -2, -1
PROTO_SSLv3, PROTO_TLSv1, PROTO_TLSv1_1, PROTO_TLSv1_2, PROTO_TLSv1_3 = range(0x300, 0x305)

CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = 0, 1, 2

VERIFY_DEFAULT = 0
VERIFY_CRL_CHECK_LEAF = 0x4
VERIFY_CRL_CHECK_CHAIN = 0xC
VERIFY_X509_STRICT = 0x20
VERIFY_ALLOW_PROXY_CERTS = 0x40
VERIFY_X509_TRUSTED_FIRST = 0x8000
VERIFY_X509_PARTIAL_CHAIN = 0x80000

OP_NO_SSLv2 = OP_SINGLE_DH_USE = OP_SINGLE_ECDH_USE = 0
OP_LEGACY_SERVER_CONNECT = 0x4
OP_ENABLE_KTLS = 0x8
OP_IGNORE_UNEXPECTED_EOF = 0x80
OP_NO_TICKET = 0x4000
OP_NO_COMPRESSION = 0x20000
OP_ENABLE_MIDDLEBOX_COMPAT = 0x100000
OP_CIPHER_SERVER_PREFERENCE = 0x400000
OP_NO_SSLv3 = 0x2000000
OP_NO_TLSv1 = 0x4000000
OP_NO_TLSv1_2 = 0x8000000
OP_NO_TLSv1_1 = 0x10000000
OP_NO_TLSv1_3 = 0x20000000
OP_NO_RENEGOTIATION = 0x40000000
OP_ALL = 0x80000050

HOSTFLAG_ALWAYS_CHECK_SUBJECT = 0x1
HOSTFLAG_NO_WILDCARDS = 0x2
HOSTFLAG_NO_PARTIAL_WILDCARDS = 0x4
HOSTFLAG_MULTI_LABEL_WILDCARDS = 0x8
HOSTFLAG_SINGLE_LABEL_SUBDOMAINS = 0x10
HOSTFLAG_NEVER_CHECK_SUBJECT = 0x20

ENCODING_PEM, ENCODING_DER = 1, 2

SSL_ERROR_SSL = 1
SSL_ERROR_WANT_READ = 2
SSL_ERROR_WANT_WRITE = 3
SSL_ERROR_WANT_X509_LOOKUP = 4
SSL_ERROR_SYSCALL = 5
SSL_ERROR_ZERO_RETURN = 6
SSL_ERROR_WANT_CONNECT = 7
SSL_ERROR_EOF = 8
SSL_ERROR_INVALID_ERROR_CODE = 10

ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
ALERT_DESCRIPTION_UNEXPECTED_MESSAGE = 10
ALERT_DESCRIPTION_BAD_RECORD_MAC = 20
ALERT_DESCRIPTION_RECORD_OVERFLOW = 22
ALERT_DESCRIPTION_DECOMPRESSION_FAILURE = 30
ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
ALERT_DESCRIPTION_BAD_CERTIFICATE = 42
ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE = 43
ALERT_DESCRIPTION_CERTIFICATE_REVOKED = 44
ALERT_DESCRIPTION_CERTIFICATE_EXPIRED = 45
ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN = 46
ALERT_DESCRIPTION_ILLEGAL_PARAMETER = 47
ALERT_DESCRIPTION_UNKNOWN_CA = 48
ALERT_DESCRIPTION_ACCESS_DENIED = 49
ALERT_DESCRIPTION_DECODE_ERROR = 50
ALERT_DESCRIPTION_DECRYPT_ERROR = 51
ALERT_DESCRIPTION_PROTOCOL_VERSION = 70
ALERT_DESCRIPTION_INSUFFICIENT_SECURITY = 71
ALERT_DESCRIPTION_INTERNAL_ERROR = 80
ALERT_DESCRIPTION_USER_CANCELLED = 90
ALERT_DESCRIPTION_NO_RENEGOTIATION = 100
ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION = 110
ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE = 111
ALERT_DESCRIPTION_UNRECOGNIZED_NAME = 112
ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE = 113
ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE = 114
ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY = 115


class SSLError(OSError):
    """An error of TLS."""

    library: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        return self.strerror if isinstance(self.strerror, str) else str(self.args)


class SSLZeroReturnError(SSLError):
    """The other side closed the connection in good order."""


class SSLWantReadError(SSLError):
    """More data must be read first."""


class SSLWantWriteError(SSLError):
    """More data must be written first."""


class SSLSyscallError(SSLError):
    """The system failed."""


class SSLEOFError(SSLError):
    """The other side closed the connection abruptly."""


class SSLCertVerificationError(SSLError, ValueError):
    """The server's certificate was not accepted."""

    verify_code: int = 0
    verify_message: str = ""


for _error in (
    SSLError,
    SSLZeroReturnError,
    SSLWantReadError,
    SSLWantWriteError,
    SSLSyscallError,
    SSLEOFError,
    SSLCertVerificationError,
):
    _error.__module__ = "ssl"


class SSLSession:
    """There are no sessions here; the class is only named."""


class Certificate:
    """There are no certificates here; the class is only named."""


class MemoryBIO:
    """A buffer of bytes between a protocol and TLS."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False

    @property
    def pending(self) -> int:
        """The number of bytes that can be read."""
        return len(self._data)

    @property
    def eof(self) -> bool:
        """Whether the end was written and reached."""
        return self._ended and not self._data

    def read(self, size: int = -1) -> bytes:
        """Take up to `size` bytes."""
        end = len(self._data) if size < 0 else size
        taken = bytes(self._data[:end])
        del self._data[:end]
        return taken

    def write(self, data: Any) -> int:
        """Add bytes; the number added."""
        if self._ended:
            raise SSLError("cannot write() after write_eof()")
        view = memoryview(data)
        self._data += view
        return view.nbytes

    def write_eof(self) -> None:
        """Mark the end."""
        self._ended = True


class _SSLContext:
    """What a context can be told. Certificates are the host's."""

    __slots__ = (
        "_check_hostname",
        "_host_flags",
        "_msg_callback",
        "_verify_mode",
        "keylog_filename",
        "maximum_version",
        "minimum_version",
        "num_tickets",
        "options",
        "post_handshake_auth",
        "protocol",
        "security_level",
        "sni_callback",
        "verify_flags",
    )

    _check_hostname: bool
    _verify_mode: int

    def __new__(cls, protocol: int = PROTOCOL_TLS, *_args: Any, **_kwargs: Any) -> _SSLContext:
        self = super().__new__(cls)
        known = (
            PROTOCOL_TLS,
            PROTOCOL_TLS_CLIENT,
            PROTOCOL_TLS_SERVER,
            PROTOCOL_TLSv1,
            PROTOCOL_TLSv1_1,
            PROTOCOL_TLSv1_2,
        )
        if protocol not in known:
            raise ValueError("invalid or unsupported protocol version")
        client = protocol == PROTOCOL_TLS_CLIENT
        slots: dict[str, Any] = {
            "protocol": protocol,
            "_check_hostname": client,
            "_verify_mode": CERT_REQUIRED if client else CERT_NONE,
            "_host_flags": HOSTFLAG_NO_PARTIAL_WILDCARDS,
            "_msg_callback": None,
            "keylog_filename": None,
            "maximum_version": PROTO_MAXIMUM_SUPPORTED,
            "minimum_version": PROTO_TLSv1_2,
            "num_tickets": 2,
            "options": OP_ALL | OP_NO_SSLv3 | OP_NO_COMPRESSION | OP_CIPHER_SERVER_PREFERENCE,
            "post_handshake_auth": False,
            "security_level": 2,
            "sni_callback": None,
            "verify_flags": VERIFY_X509_TRUSTED_FIRST,
        }
        # The subclass in `ssl` has properties of these names that expect its enums.
        for name, value in slots.items():
            getattr(_SSLContext, name).__set__(self, value)
        return self

    @property
    def check_hostname(self) -> bool:
        """Whether the name in the certificate is checked; the host always does."""
        return self._check_hostname

    @check_hostname.setter
    def check_hostname(self, value: Any) -> None:
        if value and self._verify_mode == CERT_NONE:
            self._verify_mode = CERT_REQUIRED
        self._check_hostname = bool(value)

    @property
    def verify_mode(self) -> int:
        """Whether the certificate is verified; the host refuses to go without."""
        return self._verify_mode

    @verify_mode.setter
    def verify_mode(self, value: Any) -> None:
        if value not in (CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED):
            raise ValueError("invalid value for verify_mode")
        if value == CERT_NONE and self._check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._verify_mode = int(value)

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        """Nothing is loaded: the host decides whom to trust. Warns."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if capath or cadata or cafile != _HOST_TRUST:
            warnings.warn(
                "trusted certificates named by a connector are ignored: the host decides whom to trust",
                RuntimeWarning,
                stacklevel=2,
            )

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> NoReturn:
        """Client certificates are not available: raises `SSLError`."""
        raise SSLError(
            SSL_ERROR_SSL,
            "a client certificate cannot be presented: TLS is spoken by the host; "
            "ask the operator to configure it there",
        )

    def set_default_verify_paths(self) -> None:
        """The host's trusted certificates are the only ones there are."""

    def set_ciphers(self, ciphers: str) -> None:
        """The host chooses the ciphers."""

    def get_ciphers(self) -> list[dict[str, Any]]:
        """Unknown here."""
        return []

    def set_ecdh_curve(self, name: Any) -> None:
        """The host chooses the curves."""

    def load_dh_params(self, path: Any) -> None:
        """Only a server would need them."""

    def _set_alpn_protocols(self, protocols: Any) -> None:
        """The host speaks HTTP/1.1."""

    def cert_store_stats(self) -> dict[str, int]:
        """Nothing is loaded here."""
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self) -> dict[str, int]:
        """Nothing happens here."""
        names = (
            "number",
            "connect",
            "connect_good",
            "connect_renegotiate",
            "accept",
            "accept_good",
            "accept_renegotiate",
            "hits",
            "misses",
            "timeouts",
            "cache_full",
        )
        return dict.fromkeys(names, 0)

    def get_ca_certs(self, binary_form: bool = False) -> list[Any]:
        """Nothing is loaded here."""
        return []

    def _wrap_socket(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise SSLError(SSL_ERROR_SSL, _NO_ENGINE)

    def _wrap_bio(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise SSLError(SSL_ERROR_SSL, _NO_ENGINE)


_OBJECTS = (
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
)


def txt2obj(txt: str, name: bool = False) -> tuple[int, str, str, str]:
    """Look up an object identifier, by its names too with `name`."""
    for known in _OBJECTS:
        if txt == known[3] or (name and txt in known[1:3]):
            return known
    raise ValueError(f"unknown object '{txt[:100]}'")


def nid2obj(nid: int, /) -> tuple[int, str, str, str]:
    """Look up an object by its number."""
    for known in _OBJECTS:
        if nid == known[0]:
            return known
    raise ValueError(f"unknown NID {nid}")


def get_default_verify_paths() -> tuple[str, str, str, str]:
    """Names that stand for the host's trusted certificates; no files are there."""
    return "SSL_CERT_FILE", _HOST_TRUST, "SSL_CERT_DIR", "/host/trusted-certificates"


def RAND_bytes(n: int, /) -> bytes:  # noqa: N802 - the C module's name
    """Random bytes for cryptography, from the host."""
    return os.urandom(n)


def RAND_add(string: Any, entropy: float, /) -> None:  # noqa: N802 - the C module's name
    """The host's randomness needs nothing added."""


def RAND_status() -> bool:  # noqa: N802 - the C module's name
    """The host's randomness is always ready."""
    return True


def _use_real_module() -> None:
    """Put CPython's own module in place of this one when there is one."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [place for place in sys.path if os.path.abspath(place or ".") != here]
    spec = PathFinder.find_spec(__name__, elsewhere)
    if spec is not None and spec.loader is not None:
        real = module_from_spec(spec)
        spec.loader.exec_module(real)
        sys.modules[__name__] = real


if __name__ == "_ssl" and sys.platform != "wasi":
    _use_real_module()
