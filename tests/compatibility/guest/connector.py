"""Tries packages and modules, each in a few lines, and lands what became of it."""

import importlib
import importlib.metadata
import json
import sys
import warnings
from pathlib import Path

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def outcome(work):
    """``works``, or what was raised."""
    try:
        work()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    return "works"


def version(distribution):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def update(configuration, state):
    warnings.simplefilter("ignore")
    tried = json.loads(Path("exercises.json").read_text())
    for entry in tried["packages"]:
        code = compile(entry["code"], entry["name"], "exec")
        found = outcome(lambda code=code: exec(code, {"__name__": "exercise"}))
        op.upsert("packages", {"name": entry["name"], "version": version(entry["name"]), "outcome": found})
    if tried["standard_library"]:
        for name in sorted(sys.stdlib_module_names):
            if not name.startswith("_") and name not in ("antigravity", "this"):
                op.upsert(
                    "modules",
                    {"name": name, "outcome": outcome(lambda name=name: importlib.import_module(name))},
                )
        for name, code in tried["calls"]:
            op.upsert("calls", {"name": name, "outcome": outcome(lambda code=code: exec(code, {}))})


connector = Connector(update=update)
