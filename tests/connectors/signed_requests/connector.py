"""Every request is signed by HMAC; rows get a key made of their content."""

import base64
import hashlib
import hmac
import json
import uuid
from urllib.parse import quote, urlencode

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op
from requests.auth import AuthBase


class Signature(AuthBase):
    def __init__(self, key: str, secret: str):
        self.key, self.secret = key, secret.encode()

    def __call__(self, request):
        text = f"{request.method}\n{request.path_url}\n{hashlib.sha256(request.body or b'').hexdigest()}"
        signature = base64.b64encode(hmac.new(self.secret, text.encode(), hashlib.sha256).digest())
        request.headers["X-Signature"] = f"{self.key}:{signature.decode()}"
        return request


def row_key(row: dict) -> str:
    return hashlib.md5(json.dumps(row, sort_keys=True).encode()).hexdigest()


def update(configuration: dict, state: dict):
    auth = Signature(configuration["key_id"], configuration["secret_key"])
    prepared = requests.Request("GET", "https://trades.example.com/v1/trades", auth=auth).prepare()
    op.upsert("request", {"id": 1, "signature": prepared.headers["X-Signature"].partition(":")[2]})
    query = urlencode({"symbol": "A/B", "q": "a b+c~"}, quote_via=quote)
    for trade in requests.get(f"https://trades.example.com/v1/trades?{query}", auth=auth, timeout=5).json():
        trade["hash"] = row_key(trade)
        trade["uuid"] = str(uuid.uuid5(uuid.NAMESPACE_URL, str(trade["id"])))
        op.upsert("trade", trade)
    op.checkpoint(state)


connector = Connector(update=update, schema=lambda c: [{"table": "trade", "primary_key": ["hash"]}])
