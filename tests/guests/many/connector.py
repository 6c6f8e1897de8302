"""One connector with many behaviours, chosen by ``configuration["mode"]``.

Compiling a component takes seconds, so the tests share this one. ``attacks`` does what a
hostile connector would do, ``rows`` sends rows in every way, ``resyncs`` reads on from cursors,
``web`` uses the network.
"""

import attacks
import resyncs
import rows
import web
from fivetran_connector_sdk import Connector

MODES = {**attacks.MODES, **resyncs.MODES, **rows.MODES, **web.MODES}
DECLARATIONS = {**resyncs.DECLARATIONS, **rows.DECLARATIONS, **web.DECLARATIONS}


def schema(configuration):
    declaration = DECLARATIONS.get(configuration["mode"], [])
    return declaration(configuration) if callable(declaration) else declaration


def update(configuration, state):
    return MODES[configuration["mode"]](configuration, state)


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    raise AssertionError("the host must not run this block")
