"""Measures reading PostgreSQL through pg8000 in a connector against native Python, with and without TLS.

    python3 tests/bench/measure_postgres.py [ROWS] [ROUNDS]

Takes the PostgreSQL of this machine (Debian: ``apt-get install postgresql``), in a cluster of its own on
loopback. Both sides read the same 1,000,000 rows of five columns, 10,000 at a time, with the same version of
pg8000, in turn; the seconds count that reading took, without the start of a process. Medians are compared.
"""

import json
import os
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SLUICE = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release/sluice"

TABLE = """
CREATE TABLE items AS
SELECT i AS id, 'item number ' || i AS name, i * 0.5::float8 AS amount,
       timestamp '2024-01-01' + i * interval '1 second' AS at, i % 2 = 0 AS flag
FROM generate_series(1, {rows}) i
"""


def programs() -> Path:
    """The folder of PostgreSQL's programs, the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders = [folder for folder in folders if all((folder / name).exists() for name in ("initdb", "psql"))]
    if not folders:
        raise SystemExit("there is no PostgreSQL on this machine; on Debian: apt-get install postgresql")
    return folders[-1]


class Cluster:
    """PostgreSQL with a certificate; as another user when this one is root, which it refuses to be."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.bin, self.data = programs(), folder / "cluster"
        self.user = {}
        self.data.mkdir()
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            folder.chmod(0o755)
            os.chown(self.data, entry.pw_uid, entry.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.run(
            "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"
        )
        key = self.data / "server.pem"
        shutil.copy(folder / "server.pem", key)
        key.chmod(0o600)
        if self.user:
            os.chown(key, self.user["user"], self.user["group"])
        settings = f"""
            port = {self.port}
            listen_addresses = '127.0.0.1'
            unix_socket_directories = ''
            fsync = off
            ssl = on
            ssl_cert_file = 'server.pem'
            ssl_key_file = 'server.pem'
        """
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(settings)
        self.run("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "start")
        sql = ["-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-q", "-c"]
        self.run("psql", *sql, TABLE.format(rows=rows))
        self.run("psql", *sql, "VACUUM ANALYZE items")

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.data, **self.user)

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=REPOSITORY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = folder / "venv/bin/python"
        venv.create(folder / "venv", with_pip=True)
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "cryptography"]
        subprocess.run([*install, "-r", HERE / "postgres/requirements.txt"], check=True)
        subprocess.run([python, HERE / "certificates.py", folder], check=True)
        component = folder / "postgres.wasm"
        subprocess.run([SLUICE, "build", HERE / "postgres", "-o", component], check=True)
        cluster = Cluster(folder, rows)
        try:
            compare(folder, python, component, cluster.port, rounds)
        finally:
            cluster.stop()


def compare(folder: Path, python: Path, component: Path, port: int, rounds: int) -> None:
    for tls, scheme in (("no", "tcp"), ("yes", "tls")):
        pairs = [
            (ours(folder, component, port, tls, scheme), native(folder, python, port, tls))
            for _ in range(rounds)
        ]
        mine, other = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        print(
            f"PostgreSQL, TLS {tls:3}   sluice {mine:9,.0f} rows/s   native {other:9,.0f} rows/s"
            f"   ratio {mine / other:.2f}x",
            flush=True,
        )


def ours(folder: Path, component: Path, port: int, tls: str, scheme: str) -> float:
    configuration = folder / "configuration.json"
    configuration.write_text(json.dumps({"host": "localhost", "port": str(port), "tls": tls}))
    command = [SLUICE, "run", component, "--configuration", configuration, "--json", "--preview", "0"]
    command += ["--allow", f"{scheme}://localhost:{port}", "--ca-file", folder / "ca.pem"]
    command += ["--warehouse", folder / "warehouse", "--connection", "bench"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    found = re.search(r"seconds (\d+) ([0-9.]+)", done.stdout)
    if done.returncode or not found:
        raise SystemExit(done.stdout + done.stderr)
    return int(found.group(1)) / float(found.group(2))


def native(folder: Path, python: Path, port: int, tls: str) -> float:
    program = f"import reading; print(*reading.read('localhost', {port}, {tls!r}))"
    environment = {
        "PATH": "/usr/bin:/bin",
        "SSL_CERT_FILE": str(folder / "ca.pem"),
        "PYTHONPATH": str(HERE / "postgres"),
    }
    done = subprocess.run(
        [python, "-c", program], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    count, seconds = done.stdout.split()
    return int(count) / float(seconds)


if __name__ == "__main__":
    main()
