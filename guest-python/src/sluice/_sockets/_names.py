"""Name lookup by the host. The one of the C library traps the guest."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

from . import _contract
from ._errors import no_name

_HOST_NAME = "connector"

_names: dict[str, str] = {}
"""The names that were looked up, by the address that stands for each."""


def standing_for(address: str) -> str:
    """The name that an address was given for; otherwise the address or name itself."""
    return _names.get(address, address)


def _lookup(host: Any, port: int = 0) -> str:
    if host is None or host == "":
        return "127.0.0.1"
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii")
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as error:
        raise no_name(f"not the name of a host: {error}") from None
    try:
        address = _contract.lookup(name, port)
    except OSError as error:
        if isinstance(error, socket.gaierror):
            raise
        raise no_name(error.strerror or str(error)) from error
    if address != name:
        _names[address] = name
    return address


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, Any, int, str, tuple[Any, ...]]]:
    """The one address that stands for a host, for TCP."""
    if type & 0xF not in (0, socket.SOCK_STREAM):
        raise socket.gaierror(getattr(socket, "EAI_SOCKTYPE", -7), "a connector has TCP sockets only")
    number = _service(port)
    address = _lookup(host, number)
    six = ":" in address
    kind = socket.AF_INET6 if six else socket.AF_INET
    if family not in (0, kind):
        raise no_name(f"the host gives no address of that family for {host!r:.100}")
    where: tuple[Any, ...] = (address, number, 0, 0) if six else (address, number)
    return [(kind, socket.SOCK_STREAM, 6, "", where)]


def _service(port: Any) -> int:
    if port is None:
        return 0
    if isinstance(port, int):
        return port
    text = port.decode() if isinstance(port, bytes) else str(port)
    if not text.isdecimal():
        raise socket.gaierror(getattr(socket, "EAI_SERVICE", -8), f"not the number of a port: {text[:50]!r}")
    return int(text)


def gethostbyname(hostname: str) -> str:
    """The address that stands for a host."""
    return _lookup(hostname)


def gethostbyname_ex(hostname: str) -> tuple[str, list[str], list[str]]:
    """The same with names."""
    return hostname, [], [_lookup(hostname)]


def gethostbyaddr(address: str) -> tuple[str, list[str], list[str]]:
    """The name that an address was given for."""
    return standing_for(address), [], [address]


def getnameinfo(sockaddr: tuple[Any, ...], flags: int) -> tuple[str, str]:
    """The name that an address was given for, and the port."""
    return standing_for(str(sockaddr[0])), str(sockaddr[1])


def gethostname() -> str:
    """A guest has no name; the same for all."""
    return _HOST_NAME


def getfqdn(name: str = "") -> str:
    """The same, or the name that is asked about."""
    return standing_for(name) or _HOST_NAME


def inet_pton(address_family: int, ip_string: str) -> bytes:
    """An address as bytes."""
    try:
        address = ipaddress.ip_address(ip_string)
    except ValueError:
        raise OSError("illegal IP address string passed to inet_pton") from None
    if (address_family == socket.AF_INET6) != (address.version == 6):
        raise OSError("illegal IP address string passed to inet_pton")
    return address.packed


def inet_ntop(address_family: int, packed_ip: bytes) -> str:
    """Bytes as an address."""
    if len(packed_ip) != (16 if address_family == socket.AF_INET6 else 4):
        raise ValueError("invalid length of packed IP address string")
    return str(ipaddress.ip_address(bytes(packed_ip)))


def install() -> None:
    """Put them where everybody looks for them."""
    functions = (
        getaddrinfo,
        gethostbyname,
        gethostbyname_ex,
        gethostbyaddr,
        getnameinfo,
        gethostname,
        getfqdn,
        inet_pton,
        inet_ntop,
    )
    for module in (socket, sys.modules.get("_socket")):
        for function in functions:
            setattr(module, function.__name__, function)
