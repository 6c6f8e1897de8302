"""Copies the orders of a REST service into the table `orders`: only what changed since the last sync.

GET <base_url>/orders?updated_after=<time>&limit=<count> answers a list, oldest change first. The cursor is
the `updated_at` of the last order that was sent. If two orders of your service can have the same time, let
the cursor hold the id too, as the template `database` does: a page may end between the two.
"""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT_SECONDS = 30
PAGE_SIZE = 4


def schema(configuration):
    """Declare the tables. Columns that are not named here get their type from the values."""
    return [
        {"table": "orders", "primary_key": ["id"], "columns": {"id": "LONG", "updated_at": "UTC_DATETIME"}}
    ]


def update(configuration, state):
    """Send what changed after the cursor, page by page, and move the cursor with each page."""
    session = open_session(configuration)
    cursor = state.get("updated_after", "")
    sent = 0
    while orders := fetch_page(session, configuration, cursor):
        for order in orders:
            op.upsert("orders", order)
        sent += len(orders)
        cursor = orders[-1]["updated_at"]
        # First the rows, then the state that says they are done: never the other way round.
        op.checkpoint({"updated_after": cursor})
    log.info(f"sent {sent} orders")


def fetch_page(session, configuration, cursor):
    """The next orders after the cursor; none at the end."""
    url = f"{configuration['base_url']}/orders"
    parameters = {"updated_after": cursor, "limit": PAGE_SIZE}
    response = session.get(url, params=parameters, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return response.json()


def open_session(configuration):
    """A session that sends the token, and tries again when the service is busy."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {configuration['token']}"
    # Retry-After headers of the service are obeyed.
    retry = Retry(total=5, backoff_factor=0.5, status_forcelist=[429, 502, 503, 504])
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    # `python connector.py`: natively, for debuggers. `sluice` never comes here.
    connector.debug()
