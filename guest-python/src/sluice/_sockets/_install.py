"""Puts the guest's sockets where everybody looks for sockets."""

from __future__ import annotations

import socket
import sys
from enum import IntEnum
from typing import Any

from ._constants import CONSTANTS, FAMILIES, KINDS
from ._socket import Socket, socketpair


def install() -> None:
    """Put the class where everybody looks for it."""
    module: Any = socket
    enum: Any = IntEnum
    module.AddressFamily = enum("AddressFamily", FAMILIES, module="socket")
    module.SocketKind = enum("SocketKind", KINDS, module="socket")
    for kind in (*module.AddressFamily, *module.SocketKind):
        setattr(module, kind.name, kind)
    module.create_server.__kwdefaults__["family"] = module.AF_INET
    for name, value in CONSTANTS.items():
        if not hasattr(module, name):
            setattr(module, name, value)
    Socket.__name__ = Socket.__qualname__ = "socket"
    Socket.__module__ = "socket"
    module.socket = module.SocketType = Socket
    module.socketpair = socketpair
    asyncio_loops: Any = sys.modules.get("asyncio.base_events")
    if asyncio_loops is not None and hasattr(asyncio_loops, "socket"):
        asyncio_loops.socket = module
