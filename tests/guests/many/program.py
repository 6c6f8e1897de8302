"""Programs: a declaration and operations that the configuration spells out as JSON.

A value that JSON cannot carry is ``{"$py": kind, "v": ...}``. An operation is a list, its name and
then its arguments. What an operation raises is logged with the operation's number, and the program goes on;
only ``raise``, ``exit`` and ``abort`` end it.
"""

import builtins
import datetime
import decimal
import json
import os
import sys
import uuid

from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

KINDS = {
    "int": int,
    "float": float,
    "decimal": decimal.Decimal,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "uuid": uuid.UUID,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "surrogate": lambda _: "\ud800",
    "tuple": lambda items: tuple(map(decode, items)),
    "set": lambda items: set(map(decode, items)),
    "pairs": lambda items: {decode(key): decode(value) for key, value in items},
    "repeat": lambda what: what[0] * what[1],
}


def decode(value):
    if isinstance(value, dict):
        if "$py" in value:
            return KINDS[value["$py"]](value["v"])
        return {name: decode(item) for name, item in value.items()}
    return list(map(decode, value)) if isinstance(value, list) else value


def declaration(configuration):
    return decode(json.loads(configuration["schema"]))


def raise_(kind, message):
    raise getattr(builtins, kind)(message)


ENDS = {"raise": raise_, "exit": sys.exit, "abort": os.abort}

OPERATIONS = {
    "upsert": lambda table, row, schema=None: op.upsert(table, row, schema=schema),
    "update": lambda table, row, schema=None: op.update(table, row, schema=schema),
    "delete": lambda table, row, schema=None: op.delete(table, row, schema=schema),
    "truncate": lambda table, schema=None: op.truncate(table, schema=schema),
    "checkpoint": op.checkpoint,
    "error": op.error,
    "warning": op.warning,
}


def program(configuration, state):
    for number, (name, *arguments) in enumerate(json.loads(configuration["operations"])):
        if name in ENDS:
            ENDS[name](*arguments)
        try:
            OPERATIONS[name](*map(decode, arguments))
        except Exception as error:
            log.warning(f"raised {number} {type(error).__name__}: {error}")


MODES = {"program": program}
DECLARATIONS = {"program": declaration}
