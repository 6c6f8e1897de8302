"""Copies customers and orders of a REST service: the parts lie in the package `shop`.

| file | what it does |
|---|---|
| `connector.py` | what the host calls, and which listing goes where |
| `shop/api.py` | talks with the service |
| `shop/tables.py` | the tables, and what a record of the service becomes in them |
"""

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from shop.api import Api
from shop.tables import TABLES, customer_rows, order_rows

# Each listing of the service, and what makes rows of its records.
LISTINGS = {"customers": customer_rows, "orders": order_rows}


def schema(configuration):
    """Declare the tables."""
    return TABLES


def update(configuration, state):
    """Read each listing from its own cursor; the state has one for each."""
    api = Api(configuration["base_url"], configuration["token"])
    for listing, rows_of in LISTINGS.items():
        for page in api.pages(listing, after=state.get(listing, 0)):
            for record in page:
                for table, row in rows_of(record):
                    op.upsert(table, row)
            state[listing] = page[-1]["id"]
            op.checkpoint(state)
        log.info(f"{listing}: read up to {state.get(listing, 0)}")


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    # `python connector.py`: natively, for debuggers. `sluice` never comes here.
    connector.debug()
