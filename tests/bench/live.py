"""Memory and processor time of syncs that all wait for a slow source at the same time.

    python3 tests/bench/live.py SLUICE COMPONENT [--syncs 100] [--watch 10]

COMPONENT is tests/guests/many, built. A server of this script answers nobody before all syncs wait for it.
Memory is what the kernel calls private (`smaps_rollup`): pages that no other process has. The mapping of the
machine code holds the image of the connector's memory too: what is private there, the connector wrote to.
"""

import argparse
import asyncio
import collections
import json
import os
import statistics
import tempfile
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def private(process: int) -> int:
    """KiB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def by_mapping(process: int) -> collections.Counter[str]:
    """KiB of private memory by what is mapped there."""
    found: collections.Counter[str] = collections.Counter()
    name = ""
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            size = int(fields[0].split("-")[1], 16) - int(fields[0].split("-")[0], 16)
            kind = fields[5] if len(fields) > 5 else f"anonymous of {size >> 20} MiB"
            name = f"{kind} {fields[1]}"
        elif line.startswith("Private_"):
            found[name] += int(fields[1])
    return found


def below(parent: int) -> list[int]:
    text = "".join(
        task.read_text() + " " for task in Path(f"/proc/{parent}/task").glob("*/children") if task.exists()
    )
    return [int(number) for number in text.split()]


def workers_of(host: int) -> tuple[list[int], list[int]]:
    """Workers, and the templates that most of them are copies of."""
    children = {child: below(child) for child in below(host)}
    templates = [child for child, copies in children.items() if copies]
    copies = [copy for template in templates for copy in children[template]]
    return copies + [child for child in children if child not in templates], templates


def processor(processes: list[int]) -> float:
    total = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def fleet(component: Path, origin: str, syncs: int) -> str:
    lines = [
        f"concurrency = {syncs}",
        "[defaults]",
        "retry = { attempts = 1 }",
        'limits = { first_byte = "1h" }',
    ]
    for at in range(syncs):
        lines += [f"[connections.c{at}]", f"component = {json.dumps(str(component))}"]
        lines += [
            f'configuration = {{ mode = "asks", times = "1", url = "{origin}/" }}',
            f'allow = ["{origin}"]',
        ]
    return "\n".join(lines) + "\n"


async def measure(arguments: argparse.Namespace, folder: Path) -> None:
    arrived, gate, count = asyncio.Event(), asyncio.Event(), 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.readuntil(b"\r\n\r\n")
        count += 1
        if count == arguments.syncs:
            arrived.set()
        await gate.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    text = fleet(arguments.component.resolve(), f"http://127.0.0.1:{port}", arguments.syncs)
    (folder / "sluice.toml").write_text(text)
    process = await asyncio.create_subprocess_exec(
        arguments.sluice.resolve(),
        "batch",
        "--json",
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    ended = asyncio.create_task(process.wait())
    await asyncio.wait([asyncio.create_task(arrived.wait()), ended], return_when=asyncio.FIRST_COMPLETED)
    assert arrived.is_set(), f"the batch ended while {count} of {arguments.syncs} had arrived"
    workers, templates = workers_of(process.pid)
    values = [private(worker) for worker in workers]
    everything = [process.pid, *templates, *workers]
    before = processor(everything)
    await asyncio.sleep(arguments.watch)
    idle = processor(everything) - before
    print(f"{len(workers)} workers wait: {statistics.median(values) / 1024:.1f} MiB private each (median)")
    for template in templates:
        print(f"a template: {private(template) / 1024:.1f} MiB private")
    print(f"host: {private(process.pid) / 1024 / arguments.syncs:.2f} MiB private for each sync")
    print(f"while all wait: {100 * idle / arguments.watch:.1f} % of a processor in all")
    for name, size in by_mapping(workers[0]).most_common(14):
        print(f"  {size / 1024:7.2f} MiB  {name}")
    gate.set()
    await ended
    assert process.returncode == 0, process.returncode


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice", type=Path)
    parser.add_argument("component", type=Path)
    parser.add_argument("--syncs", type=int, default=100)
    parser.add_argument("--watch", type=float, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(measure(arguments, Path(temporary)))


if __name__ == "__main__":
    main()
