"""No network at all: files beside the connector, a scratch database, environment variables."""

import json
import logging
import os
import pkgutil
import sqlite3
from pathlib import Path

from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

HERE = Path(__file__).parent
RATES = json.loads((HERE / "data" / "rates" / "2025.json").read_text())
logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
logger = logging.getLogger("data_files")


def schema(configuration):
    return [{"table": table, "primary_key": ["name"]} for table in ("total", "variable", "file")]


def update(configuration, state):
    with open("data/sales.csv") as file:
        sales = [line.strip().split(",") for line in file.readlines()[1:]]
    database = sqlite3.connect("scratch.sqlite")
    with database:
        database.execute("CREATE TABLE sale (name TEXT, currency TEXT, amount REAL)")
        database.executemany("INSERT INTO sale VALUES (?, ?, ?)", sales)
    for name, currency, total in database.execute(
        "SELECT name, currency, sum(amount) FROM sale GROUP BY name, currency ORDER BY name"
    ):
        op.upsert("total", {"name": name, "euro": round(total * RATES[currency], 2)})
    database.close()
    for name in ("FIVETRAN_CONNECTION_ID", "FIVETRAN_DEPLOYMENT_MODEL", "REGION", "HOME"):
        op.upsert("variable", {"name": name, "value": os.getenv(name)})
    with open("configuration.json") as file:
        op.upsert("variable", {"name": "configured", "value": str(json.load(file) == configuration)})
    for path in sorted([*HERE.glob("*.sqlite"), *HERE.joinpath("data").rglob("*")]):
        if path.is_file():
            op.upsert("file", {"name": str(path.relative_to(HERE)), "bytes": path.stat().st_size})
    print("motto:", pkgutil.get_data("connector", "data/motto.txt").decode().strip())
    logger.warning("%d sales", len(sales))
    op.checkpoint({"runs": state.get("runs", 0) + 1})


connector = Connector(update=update, schema=schema)

if __name__ == "__main__":
    raise SystemExit("this block never runs in a sync")
