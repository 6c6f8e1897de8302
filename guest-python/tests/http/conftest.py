from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_server import Server

sys.path.append(str(Path(__file__).resolve().parents[3] / "tests/guests/clients"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem`, `good.pem` signed by it for this machine, and `alone.pem` signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    place = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    openssl(*new, "-subj", "/CN=test CA", "-addext", usage, "-keyout", "ca.key", "-out", "ca.pem")
    openssl(
        *new,
        "-subj",
        "/CN=localhost",
        "-addext",
        names,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "good.key",
        "-out",
        "good.crt",
    )
    openssl(*new, "-subj", "/CN=localhost", "-addext", names, "-keyout", "alone.key", "-out", "alone.crt")
    for name in ("good", "alone"):
        parts = [(place / f"{name}.{kind}").read_text() for kind in ("key", "crt")]
        (place / f"{name}.pem").write_text("".join(parts))
    return place


@pytest.fixture(scope="session")
def env(certificates: Path) -> Iterator[dict[str, object]]:
    servers = [Server(), Server(str(certificates / "good.pem")), Server(str(certificates / "alone.pem"))]
    plain, trusted, untrusted = (server.port for server in servers)
    # Bound and never listening: connecting is refused, and nobody else gets the port.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield {
            "url": f"http://127.0.0.1:{plain}",
            "tls": f"https://localhost:{trusted}",
            "untrusted": f"https://localhost:{untrusted}",
            "refused": f"http://127.0.0.1:{closed.getsockname()[1]}/",
            "port": plain,
        }
    for server in servers:
        server.shutdown()
        server.server_close()
