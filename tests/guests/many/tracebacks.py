"""Ways to fail, for what people are shown of them."""

import builtins
import json

from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def read_page():
    return json.loads("{")


def chained(_configuration, _state):
    try:
        read_page()
    except ValueError as error:
        raise LookupError("page 3 cannot be read") from error


def during_handling(_configuration, _state):
    try:
        read_page()
    except ValueError:
        op.upsert("items", {"id": object()})


def grouped(_configuration, _state):
    error = builtins.ExceptionGroup("several pages", [ValueError("page 1"), TypeError("page 2")])
    error.add_note("look at the service")
    raise error


def leaking(configuration, _state):
    """Says everything that it should not."""
    for number in range(20):
        log.info(f"line {number} with {configuration['api_key']} in {configuration['region']}")
    raise ValueError(
        f"customer 'Ada Lovelace' at https://api.example.com/orders?key={configuration['api_key']} "
        f"in {configuration['region']}"
    )


MODES = {
    "traceback_chained": chained,
    "traceback_during_handling": during_handling,
    "traceback_grouped": grouped,
    "traceback_leaking": leaking,
}
