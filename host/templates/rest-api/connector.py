"""Copies the products of a REST service into the table `products`, all of them each time, page by page.

GET <base_url>/products?page=1 answers {"items": [...], "more": true}. A sync that was interrupted goes on
with the page after the last checkpoint; one that ended begins at the first page again.
"""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT_SECONDS = 30


def schema(configuration):
    """Declare the tables. Columns that are not named here get their type from the values."""
    return [
        {
            "table": "products",
            "primary_key": ["id"],
            "columns": {"id": "LONG", "name": "STRING", "price": "DOUBLE", "tags": "JSON"},
        }
    ]


def update(configuration, state):
    """Send all products. The state names the page to go on with; it is empty when there is none."""
    session = open_session(configuration)
    page, more = state.get("page", 1), True
    while more:
        items, more = fetch_page(session, configuration, page)
        for item in items:
            op.upsert("products", item)
        page += 1
        # Rows and state become durable together: after a failure the next sync goes on with this page.
        op.checkpoint({"page": page} if more else {})
    log.info(f"read {page - 1} pages")


def fetch_page(session, configuration, page):
    """The items of a page, and whether another follows."""
    url = f"{configuration['base_url']}/products"
    response = session.get(url, params={"page": page}, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    body = response.json()
    return body["items"], body["more"]


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
