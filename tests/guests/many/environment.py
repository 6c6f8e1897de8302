"""What a connector sees around itself, and when its top-level code runs."""

import json
import logging
import os
import random
import sys
import time

from fivetran_connector_sdk import Operations as op

STARTED = time.time()
DRAWN = random.random()
CONNECTION = os.environ.get("FIVETRAN_CONNECTION_ID")
COUNTED = []


def surroundings(configuration, state):
    COUNTED.append(1)
    found = {
        "environment": dict(os.environ),
        "getenv": os.getenv("FIVETRAN_CONNECTION_NAME"),
        "at_import": CONNECTION,
        "started": STARTED,
        "now": time.time(),
        "drawn": DRAWN,
        "counted": len(COUNTED),
        "state": state,
        "name": __name__,
    }
    for what, outcome in found.items():
        op.upsert("found", {"what": what, "outcome": json.dumps(outcome)})
    op.checkpoint({"from": state})


def speaks(configuration, state):
    """Says something in every way; the secret it was given too."""
    print("printed", os.environ.get("API_TOKEN", ""))
    print("two\nlines")
    sys.stderr.write("to stderr\n")
    logging.warning("logged a warning")
    logging.error("logged an error")
    logging.info("below the level")
    logging.basicConfig(level=logging.INFO, force=True)
    logging.info("logged at the level that was set")
    logging.getLogger("mine").critical("logged by name")
    try:
        raise ValueError("caught")
    except ValueError:
        logging.exception("went wrong")


def sleeps(configuration, state):
    op.upsert("slept", {"id": 1})
    op.checkpoint({"slept": 1})
    op.upsert("slept", {"id": 2})
    print("sleeping")
    time.sleep(float(configuration["seconds"]))
    op.upsert("slept", {"id": 3})


MODES = {"surroundings": surroundings, "speaks": speaks, "sleeps": sleeps}
