"""A database's tables, found in its catalog and read with a cursor on the server."""

import contextlib

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

import psycopg2
import psycopg2.extras

PAGE = 2
TYPES = {
    "integer": "INT",
    "text": "STRING",
    "timestamp with time zone": "UTC_DATETIME",
    "jsonb": "JSON",
}


def connect(configuration):
    return psycopg2.connect(
        host=configuration["host"],
        port=int(configuration["port"]),
        user=configuration["user"],
        password=configuration["password"],
        dbname=configuration["database"],
        sslmode="disable",
        connect_timeout=10,
    )


def schema(configuration):
    with contextlib.closing(connect(configuration)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            ("shop", "orders"),
        )
        columns = {name: TYPES[kind] for name, kind in cursor.fetchall() if kind in TYPES}
    return [{"table": "orders", "primary_key": ["id"], "columns": columns}]


def update(configuration, state):
    since = state.get("placed", "1970-01-01T00:00:00+00:00")
    removed = state.get("removed", "1970-01-01T00:00:00+00:00")
    with contextlib.closing(connect(configuration)) as connection:
        with connection.cursor(name="orders", cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.itersize = PAGE
            cursor.execute("SELECT * FROM shop.orders WHERE placed > %s ORDER BY placed", (since,))
            while rows := cursor.fetchmany(PAGE):
                for row in rows:
                    op.upsert("orders", dict(row))
                since = rows[-1]["placed"].isoformat()
                op.checkpoint({"placed": since, "removed": removed})
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, removed FROM shop.removed_orders WHERE removed > %s", (removed,))
            for number, when in cursor.fetchall():
                op.delete("orders", {"id": number})
                removed = when.isoformat()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM shop.refunds")
        except psycopg2.errors.UndefinedTable as error:
            log.warning(f"no refunds here: {error.pgcode}")
    op.checkpoint({"placed": since, "removed": removed})


connector = Connector(update=update, schema=schema)
