"""Products from a shop, page by page, over one session that repeats what failed."""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry


def schema(configuration: dict):
    return [{"table": "product", "primary_key": ["sku"]}]


def update(configuration: dict, state: dict):
    session = requests.Session()
    session.mount(
        "https://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=2, status_forcelist=[503]))
    )
    session.headers.update({"X-Shop-Key": configuration["shop_key"], "Accept": "application/json"})
    page = 1
    while True:
        response = session.get(
            f"{configuration['base_url']}/products",
            params={"page": page, "per_page": 2, "fields": "sku,title,price"},
            timeout=30,
        )
        response.raise_for_status()
        body = response.json()
        for product in body["products"]:
            op.upsert(table="product", data=product)
        log.info(f"page {page} of {body['pages']}")
        if page >= body["pages"]:
            break
        page += 1
    op.checkpoint(state={"pages": page})


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    connector.debug()
