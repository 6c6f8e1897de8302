"""An export that takes the service hours: it is ordered, polled, and streamed."""

import json
import time
import zlib

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

BASE = "https://exports.example.com"


def wait_for(job, interval=1800, most=12):
    for _ in range(most):
        status = requests.get(f"{BASE}/jobs/{job}", timeout=5).json()
        log.info(f"job {job} is {status['state']}")
        if status["state"] == "done":
            return status["files"]
        if status["state"] == "failed":
            raise RuntimeError(status["reason"])
        time.sleep(interval)
    raise TimeoutError(f"job {job} is not done after {most * interval // 3600} hours")


def lines_of(url):
    unpack, rest = zlib.decompressobj(16 + zlib.MAX_WBITS), b""
    with requests.get(url, stream=True, timeout=60) as answer:
        for chunk in answer.iter_content(chunk_size=64):
            *lines, rest = (rest + unpack.decompress(chunk)).split(b"\n")
            yield from lines
    if rest:
        yield rest


def update(configuration, state):
    ordered = requests.post(f"{BASE}/jobs", data={"table": "click", "format": "ndjson"}, timeout=5)
    assert ordered.status_code == 202, ordered.text
    for url in wait_for(ordered.json()["id"]):
        for line in lines_of(url):
            op.upsert("click", json.loads(line))
        op.checkpoint({"file": url})


connector = Connector(update=update, schema=lambda c: [{"table": "click", "primary_key": ["id"]}])
