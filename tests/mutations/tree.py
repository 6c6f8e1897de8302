"""The copy of the work tree that mutants are made in, with a target folder and caches of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from table import ROOT, Broken, Mutant

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = TARGET / "mutations"
TREE = WORK / "tree"
BUILT = WORK / "target"
OURS = ("sluicegate", "libsluicegate", "sluice-", "sluice.", "all-", "jail-")


def copy_tree() -> None:
    """Brings the copy up to date, touching only what differs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wanted = {Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name}
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            os.utime(copy)
    for path in TREE.rglob("*"):
        if (
            path.is_file()
            and path.relative_to(TREE) not in wanted
            and path.suffix in (".rs", ".toml", ".py", ".wit")
        ):
            path.unlink()


def link_dependencies() -> None:
    """What is compiled already is linked; cargo replaces files and does not write into them."""
    if (BUILT / "release").exists() or not (TARGET / "release/deps").exists():
        return

    def linked(source: str, copy: str) -> None:
        os.link(source, copy)

    for part in ("deps", "build", ".fingerprint"):
        for entry in (TARGET / "release" / part).iterdir():
            if entry.name.startswith(OURS) or (
                part == "deps" and entry.suffix not in (".rlib", ".rmeta", ".so", ".d")
            ):
                continue
            copy = BUILT / "release" / part / entry.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_dir():
                # Fingerprints are touched when they are looked at.
                how = shutil.copy2 if part == ".fingerprint" else linked
                shutil.copytree(entry, copy, copy_function=how, symlinks=True)
            else:
                os.link(entry, copy)
    # The compiler of guests, and guests. Machine code is made anew: mutants must not write beside the usual.
    cache = TARGET / "tmp/caches/cache"
    if cache.exists():
        for entry in cache.iterdir():
            copy = BUILT / "tmp/caches/cache" / entry.name
            if entry.name == "code":
                continue
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if entry.is_dir():
                shutil.copytree(entry, copy, copy_function=linked, symlinks=True)
            else:
                shutil.copy2(entry, copy)


def apply(mutant: Mutant) -> dict[Path, str]:
    """Patches the copy; the former texts."""
    former: dict[Path, str] = {}
    for file, old, new in mutant.changes():
        path = TREE / "host/src" / file
        text = path.read_text()
        if text.count(old) != 1:
            raise Broken(f"{mutant.name}: the old text stands {text.count(old)} times in host/src/{file}")
        former.setdefault(path, text)
        path.write_text(text.replace(old, new))
    return former


def restore(former: dict[Path, str]) -> None:
    for path, text in former.items():
        path.write_text(text)


def cached() -> set[Path]:
    return {path for path in (BUILT / "tmp").rglob("*") if not path.is_dir()}


def forget(before: set[Path]) -> None:
    """What a mutant left in the caches must not reach the next one."""
    for path in cached() - before:
        path.unlink(missing_ok=True)
