"""Writes the licences of what is compiled into `sluice`, to go into the wheel: licenses/THIRD-PARTY.txt.

Asks cargo which crates those are and takes the files that they bring. A text that several share is written
once. A crate without a file is named with the licence that it declares.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "COPYRIGHT")


def metadata():
    version = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    [host] = [line.split(": ")[1] for line in version.splitlines() if line.startswith("host: ")]
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def linked(found):
    """The packages that are linked into the program: normal dependencies, however deep."""
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    [root] = found["workspace_members"]
    seen, queue = {root}, [root]
    while queue:
        for dependency in nodes[queue.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                queue.append(dependency["pkg"])
    packages = [package for package in found["packages"] if package["id"] in seen - {root}]
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def texts(package):
    folder = Path(package["manifest_path"]).parent
    files = [
        path for path in sorted(folder.iterdir()) if path.is_file() and path.name.upper().startswith(NAMES)
    ]
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


packages = linked(metadata())
by_text, without = {}, []
for package in packages:
    title = f"{package['name']} {package['version']} ({package['license'] or 'see its text'})"
    found = texts(package)
    if not found:
        without.append(title)
    for text in found:
        by_text.setdefault(text, []).append(title)

parts = ["The program `sluice` holds these libraries, each under its own licence.\n"]
parts += ["\n".join(titles) + "\n\n" + text + "\n" for text, titles in by_text.items()]
if without:
    parts.append(
        "Without a text of their own, under the licences they declare:\n\n" + "\n".join(without) + "\n"
    )
target = ROOT / "licenses/THIRD-PARTY.txt"
target.parent.mkdir(exist_ok=True)
target.write_text(("\n" + "-" * 80 + "\n\n").join(parts), encoding="utf-8")
print(f"{len(packages)} libraries, {len(by_text)} texts, {len(without)} without one", file=sys.stderr)
