"""An application that proves itself with an RSA key, and whose values come encrypted."""

import hashlib
import json
import time

import jwt
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

API = "https://app.example.com"


def schema(configuration):
    return [
        {"table": "account", "primary_key": ["id"], "columns": {"id": "INT", "owner": "STRING"}},
        {"table": "proof", "primary_key": ["name"]},
    ]


def application_token(configuration):
    key = configuration["private_key"].replace("\\n", "\n")
    now = int(time.time())
    claims = {"iat": now - 60, "exp": now + 600, "iss": configuration["app_id"]}
    return jwt.encode(claims, key, algorithm="RS256")


def is_signed(document, signature, public_key):
    key = serialization.load_pem_public_key(public_key.encode())
    try:
        key.verify(bytes.fromhex(signature), document.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def update(configuration, state):
    token = application_token(configuration)
    op.upsert("proof", {"name": "application", "sha256": hashlib.sha256(token.encode()).hexdigest()})
    answer = requests.post(
        f"{API}/installations/7/access_tokens", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    answer.raise_for_status()
    key, audience = configuration["server_key"], configuration["app_id"]
    claims = jwt.decode(answer.json()["identity"], key, algorithms=["RS256"], audience=audience)
    op.upsert("proof", {"name": "server", "subject": claims["sub"]})

    page = requests.get(f"{API}/accounts", params={"page": 1}, timeout=10).json()
    for name in ("right", "wrong"):
        signed = is_signed(page["document"], page["signatures"][name], configuration["document_key"])
        op.upsert("proof", {"name": f"{name} signature", "valid": signed})
    fernet = Fernet(configuration["shared_key"].encode())
    for account in json.loads(page["document"]):
        try:
            owner = fernet.decrypt(account["owner"].encode()).decode()
        except InvalidToken:
            log.warning(f"account {account['id']}: the owner cannot be read")
            owner = None
        op.upsert("account", {"id": account["id"], "owner": owner})
    op.checkpoint({"accounts": len(json.loads(page["document"]))})


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    with open("configuration.json") as file:
        connector.debug(configuration=json.load(file))
