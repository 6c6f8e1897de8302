"""Follows the change log of a REST service: customers that appear, change, and go away.

GET <base_url>/changes?after=<number>&limit=<count> answers changes in the order in which they happened. A
row that the service deleted stays in the table and is marked there, in `_sluice_deleted`; with
`sluice run --deletes hard` it goes away instead.

A service without such a log does not say what it deleted. For one of those send everything in each sync,
and let `sluice resync` take away what did not come again.
"""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT_SECONDS = 30
PAGE_SIZE = 3


def schema(configuration):
    """Declare the tables. Deletes need a primary key."""
    return [{"table": "customers", "primary_key": ["id"], "columns": {"id": "LONG", "name": "STRING"}}]


def update(configuration, state):
    """Apply the changes after the last one that was applied."""
    session = open_session(configuration)
    after = state.get("after", 0)
    while changes := fetch_changes(session, configuration, after):
        for change in changes:
            apply(change)
        after = changes[-1]["number"]
        op.checkpoint({"after": after})
    log.info(f"applied changes up to {after}")


def apply(change):
    """One change becomes one operation; their order is kept."""
    customer = change["customer"]
    if change["change"] == "deleted":
        op.delete("customers", {"id": customer["id"]})
    else:
        op.upsert("customers", customer)


def fetch_changes(session, configuration, after):
    """The next changes; none at the end."""
    url = f"{configuration['base_url']}/changes"
    response = session.get(url, params={"after": after, "limit": PAGE_SIZE}, timeout=TIMEOUT_SECONDS)
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
