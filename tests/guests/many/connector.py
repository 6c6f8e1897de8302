"""One connector with many behaviours, chosen by ``configuration["mode"]``.

Compiling a component takes seconds, so the tests share this one; each module says what its modes do.
"""

import attacks
import batches
import cassettes
import contract_kit
import documents
import environment
import fast
import forms
import local_files
import misfits
import policies
import processes
import program
import resyncs
import rows
import secrets_of_it
import tracebacks
import uploads
import web
from fivetran_connector_sdk import Connector

MODULES = (
    attacks,
    batches,
    cassettes,
    contract_kit,
    documents,
    environment,
    fast,
    local_files,
    misfits,
    policies,
    processes,
    program,
    resyncs,
    rows,
    secrets_of_it,
    tracebacks,
    uploads,
    web,
)
MODES = {name: mode for module in MODULES for name, mode in module.MODES.items()}
DECLARATIONS = {
    name: tables for module in MODULES for name, tables in getattr(module, "DECLARATIONS", {}).items()
}


def schema(configuration):
    declaration = DECLARATIONS.get(configuration["mode"], [])
    return declaration(configuration) if callable(declaration) else declaration


def update(configuration, state):
    return MODES[configuration["mode"]](configuration, state)


connector = Connector(update=update, schema=schema, configuration_form=forms.configuration_form)

if __name__ == "__main__":
    raise AssertionError("the host must not run this block")
