"""A catalog in MySQL, with what was seen of it kept in Redis beside the state."""

import json

import pymysql
import pymysql.cursors
import redis
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [{"table": "catalog", "primary_key": ["id"], "columns": {"name": "STRING"}}]


def update(configuration, state):
    cache = redis.Redis(configuration["host"], int(configuration["redis"]), decode_responses=True)
    seen = f"seen:{configuration['catalog']}"
    if not state:
        cache.delete(seen)
    connection = pymysql.connect(
        host=configuration["host"],
        port=int(configuration["port"]),
        user="reader",
        cursorclass=pymysql.cursors.SSDictCursor,
        ssl_disabled=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM catalog WHERE shop = %s", (configuration["catalog"],))
        for row in cursor:
            if cache.hget(seen, row["id"]) == json.dumps(row):
                continue
            op.upsert("catalog", row)
            cache.hset(seen, row["id"], json.dumps(row))
    op.checkpoint({"syncs": state.get("syncs", 0) + 1, "seen": cache.hlen(seen)})


connector = Connector(update=update, schema=schema)
