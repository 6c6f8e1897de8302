"""Parts from files beside the connector, hashed in processes of their own."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

ROUNDS = 2_000


def digest(part):
    if part == "nut":
        raise ValueError("nuts are not hashed")
    value = part.encode()
    for _ in range(ROUNDS):
        value = hashlib.sha256(value).digest()
    return part, value.hex()[:16]


def update(configuration, state):
    parts = [
        (path.stem, part) for path in sorted(Path("parts").glob("*.txt")) for part in path.read_text().split()
    ]
    with ProcessPoolExecutor(max_workers=2) as pool:
        futures = [(size, part, pool.submit(digest, part)) for size, part in parts]
        for size, part, future in futures:
            try:
                name, value = future.result()
            except ValueError as error:
                op.warning(f"{part} is left out: {error}")
                continue
            op.upsert("part", {"name": name, "size": size, "digest": value})
    op.checkpoint({"parts": len(parts)})


connector = Connector(update=update, schema=lambda c: [{"table": "part", "primary_key": ["name"]}])
