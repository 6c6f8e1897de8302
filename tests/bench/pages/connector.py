"""HTTP as ``measure_http.py`` measures it; ``configuration["work"]`` says what."""

import requests
import work
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [{"table": "items", "primary_key": ["id"]}]


def update(configuration, state):
    kind, url, count = configuration["work"], configuration["url"], int(configuration["count"])
    if kind != "rows":
        log.info(f"seconds {getattr(work, kind)(url, count)}")
        return
    with requests.Session() as session:
        for number in range(count):
            for row in session.get(f"{url}/{number}", timeout=30).json()["data"]:
                op.upsert("items", row)
            op.checkpoint({"page": number})


connector = Connector(update=update, schema=schema)
