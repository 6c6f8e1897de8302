"""GraphQL: one URL for everything, pages by end cursor, errors with status 200."""

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

QUERY = """
query ($after: String) {
  issues(first: 2, after: $after) { nodes { id title author { login } } pageInfo { endCursor hasNextPage } }
}
"""


class QueryError(Exception):
    pass


def ask(session, variables):
    answer = session.post(
        "https://graph.example.com/graphql", json={"query": QUERY, "variables": variables}, timeout=9
    )
    answer.raise_for_status()
    body = answer.json()
    if body.get("errors"):
        raise QueryError("; ".join(error["message"] for error in body["errors"]))
    return body["data"]


def update(configuration, state):
    session = requests.Session()
    session.headers["Authorization"] = "bearer " + configuration["token"]
    after = state.get("after")
    while True:
        issues = ask(session, {"after": after})["issues"]
        for node in issues["nodes"]:
            op.upsert(
                "issue",
                {"id": node["id"], "title": node["title"], "author": (node["author"] or {}).get("login")},
            )
        after = issues["pageInfo"]["endCursor"]
        op.checkpoint({"after": after})
        if not issues["pageInfo"]["hasNextPage"]:
            break
    try:
        ask(session, {"after": "nonsense"})
    except QueryError as error:
        log.warning(f"as expected: {error}")


connector = Connector(update=update, schema=lambda c: [{"table": "issue", "primary_key": ["id"]}])
