"""Files in an S3 bucket, listed by a paginator and read line by line."""

import csv
import io

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def schema(configuration):
    return [{"table": "object", "primary_key": ["key"]}, {"table": "sale", "primary_key": ["id"]}]


def update(configuration, state):
    s3 = boto3.client(
        "s3",
        region_name=configuration["region"],
        aws_access_key_id=configuration["access_key_id"],
        aws_secret_access_key=configuration["secret_access_key"],
        config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )
    bucket = configuration["bucket"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="sales/"):
        for found in page.get("Contents", []):
            changed = found["LastModified"].isoformat()
            op.upsert("object", {"key": found["Key"], "bytes": found["Size"], "changed": changed})
            if changed <= state.get("changed", ""):
                continue
            body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"]
            for row in csv.DictReader(io.StringIO(body.read().decode("utf-8"))):
                op.upsert("sale", {"id": int(row["id"]), "amount": row["amount"], "file": found["Key"]})
            state["changed"] = max(changed, state.get("changed", ""))
            op.checkpoint(state)
    try:
        s3.head_object(Bucket=bucket, Key="none")
    except ClientError as error:
        log.info(f"no such object: {error.response['Error']['Code']}")


connector = Connector(update=update, schema=schema)
