"""The older style: operations are yielded, and helpers are generators too."""

import requests as rq
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def schema(configuration: dict):
    return [{"table": "user", "primary_key": ["id"], "columns": {"id": "STRING"}}, {"table": "post"}]


def posts_of(user):
    for post in rq.get(f"https://blog.example.com/users/{user['id']}/posts", timeout=5).json():
        yield op.upsert(table="post", data={"user": user["id"], **post})


def update(configuration: dict, state: dict):
    log.fine("begins")
    for user in rq.get("https://blog.example.com/users", timeout=5).json():
        yield op.upsert(table="user", data=user)
        yield from posts_of(user)
        yield op.checkpoint(state={"last_user": user["id"]})


connector = Connector(update=update, schema=schema)
