"""What goes wrong at a source is caught by the exceptions that authors know; the last one ends the sync."""

import json
import traceback

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

BASE = "https://faulty.example.com"


def attempt(path, read):
    try:
        answer = requests.get(BASE + path, timeout=5)
        if not answer:
            log.warning(f"{path} is not ok")
        answer.raise_for_status()
        return "read", str(read(answer))
    except requests.exceptions.HTTPError as error:
        return "HTTPError", f"{error.response.status_code} {error.response.reason}"
    except requests.exceptions.JSONDecodeError as error:
        return "JSONDecodeError", str(error)
    except requests.exceptions.TooManyRedirects as error:
        return "TooManyRedirects", str(error)
    except requests.exceptions.ConnectionError as error:
        return type(error).__name__, "no connection"
    except (KeyError, json.JSONDecodeError) as error:
        return type(error).__name__, traceback.format_exc(limit=1).splitlines()[-1]


def update(configuration, state):
    for path, read in (
        ("/fine", lambda answer: answer.json()["value"]),
        ("/forbidden", lambda answer: None),
        ("/html", lambda answer: answer.json()),
        ("/fine", lambda answer: answer.json()["missing"]),
        ("/round", lambda answer: None),
        ("/broken", lambda answer: None),
        ("/latin", lambda answer: answer.text),
        ("/moved", lambda answer: f"{answer.url} {[hop.status_code for hop in answer.history]}"),
    ):
        kind, text = attempt(path, read)
        op.upsert("attempt", {"path": path, "kind": kind, "text": text})
    op.checkpoint({"attempts": "made"})
    op.upsert("attempt", {"path": "/after", "kind": "never lands", "text": ""})
    raise RuntimeError("the source is unusable") from ValueError("its value")


connector = Connector(update=update, schema=lambda c: [{"table": "attempt", "primary_key": ["path", "kind"]}])
