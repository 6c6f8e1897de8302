"""Contacts behind OAuth: a token that expires in the middle is fetched again."""

import time

import requests
from client import ContactsClient
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration: dict):
    if "refresh_token" not in configuration:
        raise ValueError("the configuration has no refresh_token")
    return [{"table": "contact", "primary_key": ["id"]}]


def update(configuration: dict, state: dict):
    client = ContactsClient(requests.Session(), configuration, clock=time.time)
    for page in (1, 2, 3):
        for contact in client.get("contacts", page=page):
            op.upsert("contact", contact)
    op.upsert("login", {"tokens": client.logins})
    op.checkpoint({"synced_at": int(time.time())})


connector = Connector(update=update, schema=schema)
