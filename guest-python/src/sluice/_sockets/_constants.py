"""The numbers of sockets, as Linux has them."""

from __future__ import annotations

AF_INET, AF_INET6, STREAM = 2, 10, 1

CONSTANTS = {
    "SOL_SOCKET": 1,
    "SOL_TCP": 6,
    "SOL_IP": 0,
    "IPPROTO_TCP": 6,
    "SO_REUSEADDR": 2,
    "SO_TYPE": 3,
    "SO_ERROR": 4,
    "SO_BROADCAST": 6,
    "SO_SNDBUF": 7,
    "SO_RCVBUF": 8,
    "SO_KEEPALIVE": 9,
    "SO_LINGER": 13,
    "SO_RCVTIMEO": 20,
    "SO_SNDTIMEO": 21,
    "TCP_NODELAY": 1,
    "TCP_KEEPIDLE": 4,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 6,
    "TCP_USER_TIMEOUT": 18,
    "SHUT_RD": 0,
    "SHUT_WR": 1,
    "SHUT_RDWR": 2,
    "SOMAXCONN": 128,
    "MSG_PEEK": 2,
    "MSG_DONTWAIT": 0x40,
    "MSG_WAITALL": 0x100,
}
"""What drivers name; the values are Linux's, and only counted here."""


FAMILIES = {"AF_UNSPEC": 0, "AF_INET": AF_INET, "AF_INET6": AF_INET6}
KINDS = {"SOCK_STREAM": STREAM, "SOCK_DGRAM": 2, "SOCK_RAW": 3}
"""Linux's too: the system of the guest has others, and drivers compare them with numbers."""
