"""What a connector does with files: its own, temporary ones, and far too many."""

# ruff: noqa: SIM115 -- files are opened for what happens, not for what is in them
import csv
import errno
import json
import os
import pkgutil
import shutil
import tempfile
import zipfile
from pathlib import Path

from fivetran_connector_sdk import Operations as op

HERE = Path(__file__).parent
AT_IMPORT = sorted(os.listdir(HERE))


def found(**outcomes):
    for what, outcome in outcomes.items():
        op.upsert(
            "found", {"what": what, "outcome": outcome if isinstance(outcome, str) else json.dumps(outcome)}
        )


def refusal(attempt):
    """The class and the number of the error that an attempt ends in."""
    try:
        attempt()
    except OSError as error:
        return f"{type(error).__name__} {errno.errorcode.get(error.errno, error.errno)}"
    return "worked"


def own_files(configuration, state):
    with open("lookup.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found(
        relative=rows,
        absolute=open("/project/lookup.csv").read(),
        beside=json.loads((HERE / "data" / "nested.json").read_text()),
        here=str(HERE),
        folder=os.getcwd(),
        listed=[name for name in os.listdir() if name in ("connector.py", "lookup.csv", "data")],
        listed_at_import=[name for name in AT_IMPORT if name in ("connector.py", "lookup.csv", "data")],
        found=[str(path) for path in HERE.rglob("*.json")],
        walked=[names for folder, _, names in os.walk("/project/data")],
        package_data=pkgutil.get_data("local_files", "lookup.csv").decode(),
        size=os.stat("lookup.csv").st_size,
        exists=[check(name) for name in ("data", "none") for check in (os.path.exists, os.path.isfile)],
        missing=refusal(lambda: open("none.csv")),
        source=open(__file__).readline(),
    )


def written_files(configuration, state):
    os.makedirs("out/a/b")
    with open("out/a/b/x.txt", "w") as file:
        file.write("one\n")
    with open("out/a/b/x.txt", "a") as file:
        file.write("two\n")
    with open("out/a/b/x.txt", "r+") as file:
        file.seek(0)
        file.write("ONE")
    os.rename("out/a/b/x.txt", "out/y.txt")
    shutil.copy("out/y.txt", "out/z.txt")
    shutil.copytree("out", "/tmp/copied")
    with zipfile.ZipFile("archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write("out/y.txt")
        archive.writestr("big", b"x" * 300_000)
    with open("lookup.csv", "a") as file:
        file.write("it,Italy\n")
    changed = open("lookup.csv").read().count("\n")
    os.remove("lookup.csv")
    large = os.urandom(5_000_000)
    Path("large").write_bytes(large)
    with open("large", "r+b") as file:
        file.seek(3_000_000)
        tail = file.read() == large[3_000_000:]
        file.truncate(1000)
    os.utime("large", (1_000_000_000, 1_000_000_000))
    shutil.rmtree("out/a")
    found(
        text=open("out/y.txt").read(),
        copied=sorted(os.listdir("/tmp/copied")),
        archive=zipfile.ZipFile("archive.zip").read("out/y.txt").decode(),
        archived=len(zipfile.ZipFile("archive.zip").read("big")),
        changed=changed,
        removed=[os.path.exists("lookup.csv"), refusal(lambda: open("lookup.csv"))],
        large=[tail, os.path.getsize("large"), os.path.getmtime("large")],
        left=sorted(os.listdir("out")),
        same=os.path.samefile("out/y.txt", "/project/out/../out/y.txt"),
        gone=not (HERE / "out" / "a").exists(),
    )
    try:
        import sqlite3

        database = sqlite3.connect("local.db")
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1000)])
        database.commit()
        database.close()
        found(sqlite=sqlite3.connect("local.db").execute("SELECT sum(x) FROM t").fetchone()[0])
    except ImportError as error:
        found(sqlite=str(error))


def temporary_files(configuration, state):
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)
        file.seek(99_999)
        read = file.read().decode()
    with tempfile.NamedTemporaryFile("w+", suffix=".csv") as file:
        file.write("a,b\n")
        file.flush()
        named = open(file.name).read()
        name = file.name
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x").write_text("y")
        inside = os.listdir(folder)
    found(
        folder=tempfile.gettempdir(),
        read=read,
        named=named,
        inside=inside,
        left=os.listdir("/tmp"),
        gone=os.path.exists(name),
    )


def escapes(configuration, state):
    """Looks for a way out of the tree to a file of the host's."""
    target = configuration["file"]
    os.mkdir("inner")
    inner = os.open("inner", os.O_RDONLY)
    climbed = "../" * 64 + target.lstrip("/")
    found(
        absolute=refusal(lambda: open(target)),
        climbed=refusal(lambda: open(climbed)),
        below=refusal(lambda: open(f"/project/inner/{climbed}")),
        beside=refusal(lambda: os.close(os.open(climbed, os.O_RDONLY, dir_fd=inner))),
        changed=refusal(lambda: (os.chdir("/"), open(target.lstrip("/")))),
        linked=refusal(lambda: os.symlink(target, "/project/link")),
        hard_linked=refusal(lambda: os.link("/project/lookup.csv", "/project/link")),
        process=refusal(lambda: open("/proc/self/environ")),
        root=sorted(os.listdir("/")),
        above=sorted(os.listdir("/../..")),
        nul=_error(lambda: open("/project/lookup.csv\0.txt")),
    )
    os.close(inner)


def _error(attempt):
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "worked"


def too_many_bytes(configuration, state):
    def fill():
        with open("/tmp/full", "wb") as file:
            while True:
                file.write(b"x" * 1_000_000)

    def sparse():
        with open("/tmp/sparse", "wb") as file:
            file.seek(1 << 40)
            file.write(b"x")

    def truncate():
        with open("/tmp/long", "wb") as file:
            file.truncate(1 << 45)

    filled = refusal(fill)
    size = os.path.getsize("/tmp/full")
    other = refusal(lambda: Path("/tmp/other").write_bytes(b"x" * 2_000_000))
    os.remove("/tmp/full")
    found(
        fill=filled,
        size=size,
        other=other,
        sparse=refusal(sparse),
        truncate=refusal(truncate),
        after=refusal(lambda: Path("/tmp/after").write_bytes(b"x" * 2_000_000)),
    )


def too_many_files(configuration, state):
    number = 0

    def fill():
        nonlocal number
        os.mkdir("/tmp/many")
        while True:
            os.close(os.open(f"/tmp/many/{number}", os.O_CREAT | os.O_WRONLY))
            number += 1

    def deepen():
        os.chdir("/tmp")
        for _ in range(100_000):
            os.mkdir("d")
            os.chdir("d")

    filled = refusal(fill)
    listed = len(os.listdir("/tmp/many"))
    shutil.rmtree("/tmp/many")
    deep = refusal(deepen)
    os.chdir("/project")
    found(
        fill=filled,
        made=listed == number,
        number=number,
        deep=deep,
        long=refusal(lambda: open("/tmp/" + "x" * 256, "w")),
        very_long=refusal(lambda: open("/tmp/" + "x" * 5_000_000, "w")),
        many_parts=refusal(lambda: open("/tmp/" + "./" * 1_000_000 + "x", "w")),
        removed=refusal(lambda: shutil.rmtree("/tmp/d")),
    )


def too_many_handles(configuration, state):
    handles = []

    def open_all():
        while True:
            handles.append(open("/project/lookup.csv", "rb", buffering=0))
            handles[-1].read(1)

    opened = refusal(open_all)
    number = len(handles)
    handles.clear()
    found(opened=opened, enough=number >= 256, after=open("/project/lookup.csv").readline())


def renames(configuration, state):
    """Moves folders into each other until nothing can move, and round and round."""
    os.makedirs("/tmp/a/b/c")
    os.makedirs("/tmp/x")
    for _ in range(20_000):
        os.rename("/tmp/a/b", "/tmp/x/b")
        os.rename("/tmp/x/b", "/tmp/a/b")
    found(
        into_itself=refusal(lambda: os.rename("/tmp/a", "/tmp/a/b/c/a")),
        root=refusal(lambda: os.rename("/", "/tmp/root")),
        onto_full=refusal(lambda: os.rename("/tmp/x", "/tmp/a")),
        left=[sorted(folders) for _, folders, _ in os.walk("/tmp/a")],
    )


MODES = {
    mode.__name__: mode
    for mode in (
        own_files,
        written_files,
        temporary_files,
        escapes,
        too_many_bytes,
        too_many_files,
        too_many_handles,
        renames,
    )
}
