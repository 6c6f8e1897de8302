"""Makes the page about compatibility out of the record."""

from __future__ import annotations

import re
from typing import Any

import _advice

_HEAD = """# What works in the sandbox

Written by `tests/compatibility/generate.py` from real runs: connectors with these packages were built and ran in the
sandbox, each package doing a little of what it is for, without a network. How packages are chosen and what to do about
one that does not work: [dependencies](dependencies.md). Against real servers: [HTTP libraries](clients.md).

"""
_PACKAGES = """## Packages

The packages that data connectors use most. *works*: its exercise ran through. *refused*: the build says so before
anything is compiled.

| package | version | | why, and what instead |
|---|---|---|---|
"""
_MODULES = """
## The standard library

Python 3.14. Every module was imported; those that cannot be are named by a build with file and line where the connector
imports them, and again in the failure of a sync.

"""
_CALLS = """
### Functions that cannot work

Their modules can be imported, so libraries that only mention them work. A build notes where a connector calls one.

| function | raises | instead |
|---|---|---|
"""


def render(results: dict[str, Any]) -> str:
    """The page for a record, see `generate.py`."""
    packages = sorted(results["packages"].items(), key=lambda entry: entry[0].lower())
    works = sum(entry["outcome"] == "works" for _, entry in packages)
    text = _HEAD + _PACKAGES + "".join(_package(name, entry) for name, entry in packages)
    text += f"\n{works} of {len(packages)} work.\n"
    return text + _modules(results["modules"]) + _CALLS + "".join(map(_call, results["calls"].items()))


def _package(name: str, entry: dict[str, str]) -> str:
    outcome = entry["outcome"]
    if outcome == "works":
        verdict, why = "works", ""
    elif outcome.startswith("refused: "):
        verdict, why = "refused", _shortened(outcome.removeprefix("refused: "))
    else:
        verdict, why = "fails", outcome
    return f"| {name} | {entry.get('version') or ''} | {verdict} | {_cell(why)} |\n"


def _shortened(refusal: str) -> str:
    """A refusal without what the whole table says."""
    machine_code = "cannot be used: it is machine code, and a sandboxed connector runs pure Python"
    if machine_code in refusal:
        before, _, after = refusal.partition(machine_code)
        through = re.search(r"^(\S+), which \S+ requires", before)
        subject = f"needs {through[1]}, which is machine code" if through else "machine code"
        return subject + after
    if "ships only source" in refusal:
        return "ships only source; `--allow-sdist` builds it"
    return refusal


def _modules(modules: dict[str, Any]) -> str:
    works = [name for name, entry in modules.items() if entry["outcome"] == "works"]
    text = _MODULES + "These can be imported: " + ", ".join(f"`{name}`" for name in works) + ".\n\n"
    text += "These cannot:\n\n| module | raises | instead |\n|---|---|---|\n"
    for name, entry in modules.items():
        if entry["outcome"] != "works":
            advice = _advice.for_import(name) or ""
            text += f"| `{name}` | {_cell(entry['outcome'])} | {_cell(advice)} |\n"
    return text


def _call(entry: tuple[str, dict[str, str]]) -> str:
    name, found = entry
    outcome = "nothing" if found["outcome"] == "works" else found["outcome"]
    return f"| `{name}` | {_cell(outcome)} | {_cell(_advice.CALLS.get(name, ''))} |\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
