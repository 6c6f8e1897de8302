"""Measures `sluice dev`: from a saved file to its first row in the table, as a reader of it sees it.

    python3 tests/bench/dev.py [SLUICE] [ROUNDS]

The connector imports `requests`. Each round saves it with another value and polls the database until a row
with that value is committed. Beside it, in turn: the native Python that an author would start anew for the
same, from its start to its commit. A machine is noisy: compare what was measured together.
"""

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
POLL_SECONDS = 0.001

CONNECTOR = """\
import requests
from fivetran_connector_sdk import Connector, Operations as op

VALUE = "{value}"


def update(configuration, state):
    op.upsert("t", {{"id": 1, "value": VALUE, "agent": requests.utils.default_user_agent()}})
    op.checkpoint({{"done": True}})


connector = Connector(update=update, schema=lambda c: [{{"table": "t", "primary_key": ["id"]}}])
"""

NATIVE = """\
import sqlite3, sys
import requests
database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT, agent TEXT)")
row = (1, sys.argv[2], requests.utils.default_user_agent())
database.execute("INSERT INTO t VALUES (?, ?, ?)", row)
database.commit()
"""


def value_in(database: Path) -> str | None:
    """What a reader finds there now."""
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT value FROM t").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def save(path: Path, text: str) -> None:
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    beside.replace(path)


def until(session: subprocess.Popen[str], name: str) -> None:
    assert session.stdout is not None
    for line in session.stdout:
        if json.loads(line)["event"] == name:
            return
    sys.exit("sluice dev ended")


def processor_seconds(process: int) -> float:
    """What a process and its ended children have used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def has_requests(python: str) -> bool:
    return subprocess.run([python, "-c", "import requests"], capture_output=True, check=False).returncode == 0


def main() -> None:
    default = REPOSITORY / "target/release/sluice"
    sluice = sys.argv[1] if len(sys.argv) > 1 else str(default)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    compares = has_requests(sys.executable)
    saved: list[float] = []
    native: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "bench"
        project.mkdir()
        (project / "connector.toml").write_text('name = "bench"\n')
        (project / "connector.py").write_text(CONNECTOR.format(value="start"))
        database = project / ".sluice/dev/bench.db"
        command = [sluice, "dev", project, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as session:
            until(session, "watching")
            used = processor_seconds(session.pid)
            for number in range(rounds):
                value = f"round {number}"
                text = CONNECTOR.format(value=value)
                start = time.perf_counter()
                save(project / "connector.py", text)
                while value_in(database) != value:
                    time.sleep(POLL_SECONDS)
                saved.append(time.perf_counter() - start)
                until(session, "watching")
                if compares:
                    path = Path(folder) / f"native-{number}.db"
                    start = time.perf_counter()
                    subprocess.run([sys.executable, "-c", NATIVE, path, value], check=True)
                    native.append(time.perf_counter() - start)
            used = (processor_seconds(session.pid) - used) / rounds
            session.send_signal(signal.SIGINT)
    show("sluice dev, save to row", saved)
    print(f"processor time of a save, to the end of its sync: {used * 1000:.0f} ms")
    if native:
        show("native python, start to row", native)
    else:
        print("this Python has no requests: nothing to compare with")
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


def show(name: str, seconds: list[float]) -> None:
    milliseconds = sorted(round(second * 1000) for second in seconds)
    median = statistics.median(milliseconds)
    print(f"{name}: median {median:.0f} ms, {milliseconds[0]} to {milliseconds[-1]} ms")


if __name__ == "__main__":
    main()
