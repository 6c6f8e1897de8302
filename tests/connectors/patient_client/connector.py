"""A source that is often busy: retries by tenacity and by hand, hours of waiting, Retry-After."""

import random
import time

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

BASE = "https://busy.example.com"


class Busy(Exception):
    pass


@retry(
    stop=stop_after_attempt(4),
    wait=wait_exponential(multiplier=60, max=3600),
    retry=retry_if_exception_type((Busy, requests.ConnectionError)),
    reraise=True,
)
def by_tenacity(path):
    response = requests.get(BASE + path, timeout=5)
    if response.status_code >= 500:
        raise Busy(response.status_code)
    return response.json()


def by_hand(path, attempts=5):
    for attempt in range(attempts):
        response = requests.get(BASE + path, timeout=5)
        if response.status_code == 429:
            wait = int(response.headers.get("Retry-After", 2**attempt)) + random.random()
            log.warning(f"asked to wait {int(wait)} seconds")
            time.sleep(wait)
            continue
        response.raise_for_status()
        return response.json()
    raise RuntimeError(f"gave up on {path} after {attempts} attempts")


def update(configuration, state):
    started = time.monotonic()
    op.upsert("answer", {"id": 1, **by_tenacity("/slow")})
    op.upsert("answer", {"id": 2, **by_hand("/limited")})
    try:
        by_tenacity("/down")
    except Busy as error:
        op.upsert("answer", {"id": 3, "value": f"still busy: {error}"})
    try:
        by_hand("/gone")
    except requests.HTTPError as error:
        op.upsert("answer", {"id": 4, "value": str(error), "status": error.response.status_code})
    op.upsert(
        "answer", {"id": 5, "value": "waited for hours", "status": int(time.monotonic() - started) // 3600}
    )
    op.checkpoint(state)


connector = Connector(
    update=update, schema=lambda configuration: [{"table": "answer", "primary_key": ["id"]}]
)
