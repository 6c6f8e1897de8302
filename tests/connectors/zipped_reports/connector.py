"""Reports in a ZIP archive and in gzip, unpacked in memory and on disk."""

import csv
import gzip
import io
import json
import shutil
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

REPORTS = "https://reports.example.com"


def schema(configuration):
    return [{"table": "visit", "primary_key": ["day", "site"]}, {"table": "member", "primary_key": ["path"]}]


def update(configuration, state):
    archive = requests.get(f"{REPORTS}/daily.zip", timeout=30)
    assert archive.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as zipped:
        for name in sorted(zipped.namelist()):
            if name.endswith(".csv"):
                with zipped.open(name) as raw, io.TextIOWrapper(raw, encoding="utf-8") as text:
                    for row in csv.DictReader(text):
                        op.upsert(
                            "visit",
                            {"day": Path(name).stem, "site": row["site"], "visits": int(row["visits"])},
                        )
        with TemporaryDirectory() as folder:
            zipped.extractall(folder)
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    op.upsert("member", {"path": str(path.relative_to(folder)), "bytes": path.stat().st_size})
            shutil.make_archive(str(Path(folder) / "again"), "gztar", folder, "reports")
            assert (Path(folder) / "again.tar.gz").stat().st_size > 0
    packed = requests.get(f"{REPORTS}/hourly.ndjson.gz", timeout=30).content
    with gzip.open(io.BytesIO(packed), "rt", encoding="utf-8") as lines:
        for line in lines:
            op.upsert("visit", json.loads(line))
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
