"""Rows checked by attrs classes; three protocols of paging behind one interface; a big payload."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import attrs
import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

BASE = "https://devices.example.com"


@attrs.define
class Device:
    id: int = attrs.field(converter=int, validator=attrs.validators.gt(0))
    name: str = attrs.field(converter=str.strip)
    room: str | None = None


class Rejected(NamedTuple):
    position: int
    reason: str


class Reader(Protocol):
    def __call__(self) -> Iterable[dict]: ...


def small() -> Iterable[dict]:
    return requests.get(f"{BASE}/devices", timeout=5).json()


def large() -> Iterable[dict]:
    with requests.get(f"{BASE}/measures", stream=True, timeout=60) as answer:
        for line in answer.iter_lines(chunk_size=8192):
            device, value = line.split(b"\t")
            yield {"device": int(device), "value": int(value)}


def batches(rows: Iterable[dict], size: int):
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch


def update(configuration, state):
    read: Reader = small
    for position, raw in enumerate(read()):
        try:
            op.upsert("device", attrs.asdict(Device(**raw)))
        except (TypeError, ValueError) as error:
            op.upsert("rejected", Rejected(position, type(error).__name__)._asdict())
    total = 0
    for batch in batches(large(), 1000):
        total += sum(row["value"] for row in batch)
        op.upsert("batch", {"first": batch[0]["device"], "rows": len(batch)})
    op.checkpoint({"total": total})


connector = Connector(
    update=update,
    schema=lambda c: [
        {"table": "device", "primary_key": ["id"]},
        {"table": "batch", "primary_key": ["first"]},
    ],
)
