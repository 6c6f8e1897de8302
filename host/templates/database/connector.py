"""Copies the table `products` of a PostgreSQL database: each sync only what changed since the last one.

`database_url` is postgresql://user:password@host:port/database. The query reads in the order of
(updated_at, id), so that the cursor can stop between two rows of the same time.
"""

from urllib.parse import unquote, urlsplit

import pg8000.dbapi
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

PAGE_SIZE = 3
TIMEOUT_SECONDS = 30
COLUMNS = ("id", "name", "price", "updated_at")
QUERY = (
    f"SELECT {', '.join(COLUMNS)} FROM products WHERE (updated_at, id) > (%s, %s) "
    "ORDER BY updated_at, id LIMIT %s"
)
BEGINNING = ("1970-01-01T00:00:00+00:00", 0)


def schema(configuration):
    """Declare the tables."""
    return [
        {
            "table": "products",
            "primary_key": ["id"],
            "columns": {
                "id": "LONG",
                "name": "STRING",
                "price": {"type": "DECIMAL", "precision": 12, "scale": 2},
                "updated_at": "UTC_DATETIME",
            },
        }
    ]


def update(configuration, state):
    """Send what changed after the cursor, page by page, and move the cursor with each page."""
    cursor = tuple(state.get("cursor", BEGINNING))
    sent = 0
    connection = connect(configuration["database_url"])
    try:
        while rows := fetch(connection, cursor):
            for row in rows:
                op.upsert("products", row)
            sent += len(rows)
            cursor = (rows[-1]["updated_at"].isoformat(), rows[-1]["id"])
            # First the rows, then the state that says they are done.
            op.checkpoint({"cursor": list(cursor)})
    finally:
        connection.close()
    log.info(f"sent {sent} products")


def fetch(connection, cursor):
    """The next rows after the cursor; none at the end."""
    statement = connection.cursor()
    statement.execute(QUERY, (*cursor, PAGE_SIZE))
    return [dict(zip(COLUMNS, row, strict=True)) for row in statement.fetchall()]


def connect(database_url):
    """A connection. Under a grant for tls:// the host lets none be made but with TLS, and verifies it."""
    url = urlsplit(database_url)
    return pg8000.dbapi.connect(
        user=unquote(url.username or "reader"),
        password=unquote(url.password or ""),
        host=url.hostname,
        port=url.port or 5432,
        database=url.path.lstrip("/") or "shop",
        timeout=TIMEOUT_SECONDS,
        # the stand-in of tests/server.py has no TLS
        ssl_context=None if url.scheme == "postgresql" else False,
    )


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    # `python connector.py`: natively, for debuggers. `sluice` never comes here.
    connector.debug()
