"""A CSV export, streamed into a temporary file and read from there."""

import csv
import os
import tempfile

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [
        {
            "table": "account",
            "primary_key": ["account_id"],
            "columns": {
                "account_id": "INT",
                "balance": "DOUBLE",
                "active": "BOOLEAN",
                "opened": "NAIVE_DATE",
            },
        }
    ]


def convert(row):
    return {
        "account_id": int(row["Account ID"]),
        "owner": row["Owner"].strip() or None,
        "balance": float(row["Balance"].replace(",", "")),
        "active": row["Active"].lower() in ("yes", "true"),
        "opened": row["Opened"],
    }


def update(configuration, state):
    path = None
    try:
        with requests.get("https://bank.example.com/export.csv", stream=True, timeout=60) as answer:
            answer.raise_for_status()
            with tempfile.NamedTemporaryFile("wb", suffix=".csv", delete=False) as file:
                path = file.name
                for chunk in answer.iter_content(chunk_size=16):
                    file.write(chunk)
        with open(path, newline="", encoding="utf-8-sig") as file:
            dialect = csv.Sniffer().sniff(file.read(80), delimiters=";,")
            file.seek(0)
            for number, row in enumerate(csv.DictReader(file, dialect=dialect), start=1):
                op.upsert("account", convert(row))
                if number % 2 == 0:
                    op.checkpoint({"rows": number})
    finally:
        if path:
            os.unlink(path)
    with requests.get("https://bank.example.com/lines.txt", stream=True, timeout=60) as answer:
        answer.encoding = "latin-1"
        for number, line in enumerate(answer.iter_lines(chunk_size=3, decode_unicode=True)):
            op.upsert("line", {"number": number, "text": line})
    op.checkpoint({"rows": number, "left": os.path.exists(path)})


connector = Connector(update=update, schema=schema)
