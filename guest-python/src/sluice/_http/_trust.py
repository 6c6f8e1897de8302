"""Which settings of connections a connector may make: the host verifies, always, and decides whom to trust.

In a replay no connection is made, and what was recorded needed its settings then: there, none is refused.
"""

from __future__ import annotations

import os
import ssl
import warnings
from typing import NoReturn

HOST_TRUST: str = ssl.get_default_verify_paths().openssl_cafile
"""The path that stands for the host's trusted certificates; no file is there."""


def is_replay() -> bool:
    """Whether answers come from a cassette."""
    return "SLUICE_REPLAY" in os.environ


def refuse(what: str, instead: str) -> NoReturn:
    """Raise `ssl.SSLError` for a setting that cannot be honoured and must not be dropped."""
    raise ssl.SSLError(1, f"{what}: TLS is spoken by the host; {instead}")


def check_verification(mode: int) -> None:
    """Refuse a connection that asks for no verification."""
    if mode == ssl.CERT_NONE and not is_replay():
        refuse(
            "verification of the server's certificate cannot be switched off",
            "the host always verifies: remove verify=False or CERT_NONE, "
            "or ask the operator to trust the certificate",
        )


def refuse_client_certificate() -> None:
    """Refuse a connection that wants to present a certificate of its own."""
    if is_replay():
        return
    refuse("a client certificate cannot be presented", "ask the operator to configure it there")


def ignore_certificates(place: object) -> None:
    """Warn that certificates named by the connector have no effect."""
    if place and place != HOST_TRUST:
        warnings.warn(
            "trusted certificates named by a connector are ignored: the host decides whom to trust",
            RuntimeWarning,
            stacklevel=4,
        )


def ignore_proxy() -> None:
    """Warn that a proxy named by the connector has no effect."""
    warnings.warn(
        "a proxy named by a connector is ignored: the host makes the connections",
        RuntimeWarning,
        stacklevel=4,
    )
