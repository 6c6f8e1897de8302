"""A connector of several packages: relative imports, a registry of tables, late imports."""

from fivetran_connector_sdk import Connector, Operations as op  # noqa: I001

from source import TABLES, Api
from source.tables.base import Table


def schema(configuration: dict):
    return [table.declaration() for table in TABLES]


def update(configuration: dict, state: dict):
    api = Api(configuration["base"])
    for table in TABLES:
        assert isinstance(table, Table)
        for row in table.rows(api):
            op.upsert(table.name, row)
        op.checkpoint(state)


connector = Connector(schema=schema, update=update)
