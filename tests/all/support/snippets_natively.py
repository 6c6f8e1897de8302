"""Runs every snippet with the libraries as they are: ``snippets_natively.py FOLDER ENV``."""

import contextlib
import importlib
import json
import sys

sys.path.insert(0, sys.argv[1])

import snippets

for module in (*snippets.NEUTRAL, "host", "libraries", "google"):
    importlib.import_module(f"snippets.{module}")

with contextlib.redirect_stdout(sys.stderr):
    outcomes = snippets.run(json.loads(sys.argv[2]))
print(json.dumps(outcomes))
