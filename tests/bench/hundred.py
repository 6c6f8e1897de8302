"""A hundred connections of every kind in one batch: memory, and processors that idle while somebody waits.

    python3 tests/bench/hundred.py SLUICE COMPONENT [--connections 100] [--seconds 2]

COMPONENT is tests/guests/many, built. Four in ten are fast, three wait for a server that takes its time with
each answer, two fail, one is hostile. Looked at 20 times a second: the private memory of the host and its
workers, and how much the processors idled while a connection had not begun yet, in all and by second. Moments
in which memory was short (a quarter and what one more may need were not free) are not counted: nobody could
begin then. What these looks themselves take of the processors is printed, since it hides idle time.
"""

import argparse
import asyncio
import collections
import json
import tempfile
import time
from pathlib import Path

from live import below, private

HOSTILE = ("endless_loop", "memory_bomb", "rows_for_ever", "tables_for_ever", "endless_c_code")
TIGHT = 'limits = { cpu = "1s", wall = "20s", rows = 20_000, tables_per_sync = 50, handles = 200 }'
RAISES = '{ mode = "program", schema = "[]", operations = "[[\\"raise\\", \\"ValueError\\", \\"no\\"]]" }'


def fleet(component: Path, origin: str, count: int) -> dict[str, tuple[str, str]]:
    """What each connection is configured with, and how it must end."""
    kinds = {}
    for at in range(count):
        match at % 10:
            case 0 | 1 | 2 | 3:
                of_it = f'configuration = {{ mode = "resumable", rows = "{at + 1}", every = "100" }}'
                kinds[f"fast_{at}"] = (of_it, "success")
            case 4 | 5 | 6:
                of_it = f'configuration = {{ mode = "asks", times = "1", url = "{origin}/" }}'
                kinds[f"slow_{at}"] = (f'{of_it}\nallow = ["{origin}"]', "success")
            case 7 | 8:
                kinds[f"failing_{at}"] = (f"configuration = {RAISES}", "connector")
            case _:
                mode = HOSTILE[at // 10 % len(HOSTILE)]
                kinds[f"hostile_{at}"] = (f'configuration = {{ mode = "{mode}" }}\n{TIGHT}', "limit")
    return kinds


def all_below(parent: int) -> list[int]:
    """Children and theirs."""
    children = below(parent)
    return children + [process for child in children for process in all_below(child)]


def processors() -> tuple[int, int]:
    """Idle and all ticks."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def has_memory() -> bool:
    """Whether there is what a batch gives away: what one sync may need beside a quarter of all memory."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    kib = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return kib["MemAvailable"] - kib["MemTotal"] // 4 > 400 << 10


async def measure(arguments: argparse.Namespace, folder: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(arguments.seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    kinds = fleet(arguments.component.resolve(), origin, arguments.connections)
    component = json.dumps(str(arguments.component.resolve()))
    sections = [
        f"[connections.{name}]\ncomponent = {component}\n{of_it}" for name, (of_it, _) in kinds.items()
    ]
    text = "\n".join(["[defaults]\nretry = { attempts = 1 }", *sections])
    (folder / "sluice.toml").write_text(text + "\n")
    process = await asyncio.create_subprocess_exec(
        arguments.sluice.resolve(),
        "batch",
        "--json",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=64 << 20,
    )
    assert process.stdout
    begun: set[str] = set()
    report: dict[str, object] = {}
    idle = [0]
    passed = [0]
    by_second: collections.defaultdict[int, list[int]] = collections.defaultdict(lambda: [0, 0])
    memory: list[tuple[int, int, int]] = []

    async def look() -> None:
        before = processors()
        while True:
            await asyncio.sleep(0.05)
            now = processors()
            if len(begun) < len(kinds) and has_memory():
                second = by_second[int(time.monotonic() - since)]
                for at, total in enumerate((idle, passed)):
                    total[0] += now[at] - before[at]
                    second[at] += now[at] - before[at]
            before = now
            try:
                workers = all_below(process.pid)
                sizes = [private(worker) for worker in workers]
                memory.append((private(process.pid), sum(sizes), len(workers)))
            except OSError:
                continue

    since = time.monotonic()
    looking = asyncio.create_task(look())
    async for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "started":
            begun.add(event["connection"])
        if event["event"] == "batch_finished":
            report = event
    await process.wait()
    looking.cancel()
    ended = {one["connection"]: one["outcome"] for one in report["connections"]}
    wrong = {name: ended[name] for name, (_, wanted) in kinds.items() if ended[name] != wanted}
    assert not wrong, wrong
    host, together = max(at[0] for at in memory) / 1024, max(sum(at[:2]) for at in memory) / 1024
    print(f"{len(kinds)} connections in {time.monotonic() - since:.1f} s, each ended as it must")
    print(f"at most {max(at[2] for at in memory)} at a time")
    print(f"private memory: host {host:.0f} MiB, together {together:.0f} MiB at most")
    part = {second: f"{100 * now[0] / max(now[1], 1):.0f}" for second, now in by_second.items()}
    print(f"processors idle while a connection waits to begin: {100 * idle[0] / max(passed[0], 1):.1f} %")
    print(f"    by second: {' '.join(part.values())}")
    print(f"    this script took {100 * time.process_time() / (time.monotonic() - since):.0f} % of one")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice", type=Path)
    parser.add_argument("component", type=Path)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(measure(arguments, Path(temporary)))


if __name__ == "__main__":
    main()
