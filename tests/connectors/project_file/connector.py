"""Dependencies in pyproject.toml, settings in TOML, dates of people, a template."""

from datetime import datetime
from pathlib import Path
from string import Template

import humanize
import requests
import tomllib
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

SETTINGS = tomllib.loads(Path("settings.toml").read_text())


def update(configuration, state):
    for source in SETTINGS["sources"]:
        url = Template(SETTINGS["url"]).substitute(source=source["name"])
        for row in requests.get(url, headers=SETTINGS["headers"], timeout=5).json():
            taken = datetime.strptime(row["taken"], source["format"])
            op.upsert(
                "sample",
                {"id": row["id"], "taken": taken.isoformat(), "size": humanize.naturalsize(row["size"])},
            )
    op.checkpoint(state)


connector = Connector(update=update, schema=lambda c: [{"table": "sample", "primary_key": ["id"]}])
