"""Tickets whose next page is named by a Link header."""

import re

import requests as rq
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

NUMBER = re.compile(r"#(\d+)")


def schema(configuration: dict):
    return [
        {"table": "ticket", "primary_key": ["number"]},
        {"table": "mention", "primary_key": ["number", "other"]},
    ]


def update(configuration: dict, state: dict):
    url, pages = "https://tickets.example.org/api/tickets?state=all&sort=created", 0
    while url:
        response = rq.get(url, headers={"Authorization": f"token {configuration['token']}"}, timeout=(3, 20))
        if not response.ok:
            raise RuntimeError(f"tickets answered {response.status_code} {response.reason}: {response.text}")
        for ticket in response.json():
            op.upsert("ticket", {key: ticket[key] for key in ("number", "title", "open", "labels")})
            for other in sorted(set(NUMBER.findall(ticket["body"] or ""))):
                op.upsert("mention", {"number": ticket["number"], "other": int(other)})
        url = response.links.get("next", {}).get("url")
        pages += 1
    log.info(f"read {pages} pages")
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
