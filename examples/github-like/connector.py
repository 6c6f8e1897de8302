"""A REST source in the manner of GitHub's API: pages linked by headers, an incremental
cursor, a rate limit that asks to wait, and a server that fails now and then.

The HTTP is plain ``requests``; nothing here knows that it runs in a sandbox.
"""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

PAGE_SIZE = 50


def schema(configuration):
    return [
        {
            "table": "issues",
            "primary_key": ["id"],
            "columns": {"id": "LONG", "title": "STRING", "updated_at": "UTC_DATETIME", "labels": "JSON"},
        },
        {"table": "users", "primary_key": ["login"]},
    ]


def open_session(configuration):
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + configuration["token"]
    # 429 and 503 are tried again; a Retry-After header of the server is obeyed.
    retry = Retry(total=5, backoff_factor=0.1, status_forcelist=[429, 503])
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def pages(session, url, parameters):
    """The pages of a listing, following the ``next`` links."""
    while url:
        response = session.get(url, params=parameters, timeout=30)
        response.raise_for_status()
        yield response.json()
        url = response.links.get("next", {}).get("url")
        parameters = None  # a next link carries them already


def update(configuration, state):
    session = open_session(configuration)
    base_url = configuration["base_url"]
    cursor = state.get("updated_at", "1970-01-01T00:00:00Z")
    log.info(f"fetching issues changed since {cursor}")

    count = 0
    for page in pages(session, f"{base_url}/issues", {"since": cursor, "per_page": PAGE_SIZE}):
        for issue in page:
            author = issue.pop("user")
            op.upsert("users", author)
            op.upsert("issues", {**issue, "author": author["login"]})
            cursor = max(cursor, issue["updated_at"])
            count += 1
        # The listing is sorted by change, so everything up to the cursor has been sent.
        op.checkpoint({"updated_at": cursor})
    log.info(f"{count} issues")


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    connector.debug()
