"""A service that takes a JWT signed by the connector, and answers with one."""

import datetime

import jwt
import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def assertion(configuration):
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    claims = {"iss": configuration["issuer"], "iat": now, "exp": now + datetime.timedelta(minutes=5)}
    return jwt.encode(claims, configuration["signing_secret"], algorithm="HS256", headers={"kid": "k1"})


def update(configuration, state):
    mine = assertion(configuration)
    answer = requests.post(
        "https://jwt.example.com/session",
        json={"assertion": mine},
        headers={"X-Length": str(len(mine))},
        timeout=5,
    ).json()
    try:
        claims = jwt.decode(answer["session"], configuration["signing_secret"], algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        claims = {"sub": "expired"}
    op.upsert(
        "session", {"sub": claims["sub"], "exp": claims.get("exp"), "header": jwt.get_unverified_header(mine)}
    )
    try:
        jwt.decode(answer["session"], "another secret that is long enough", algorithms=["HS256"])
    except jwt.InvalidSignatureError as error:
        op.upsert("session", {"sub": type(error).__name__})
    op.checkpoint(state)


connector = Connector(
    update=update, schema=lambda configuration: [{"table": "session", "primary_key": ["sub"]}]
)
