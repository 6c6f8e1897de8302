"""Runs every snippet with the libraries as they are: ``snippets_natively.py FOLDER ENV``."""

import contextlib
import json
import sys

sys.path.insert(0, sys.argv[1])

import http_snippets
import library_snippets  # noqa: F401 - adds its snippets
import more_snippets  # noqa: F401

with contextlib.redirect_stdout(sys.stderr):
    outcomes = http_snippets.run(json.loads(sys.argv[2]))
print(json.dumps(outcomes))
