"""boto3 against a server that answers as S3 and DynamoDB do."""

import io

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from fivetran_connector_sdk import Operations as op


def _client(configuration, service, **options):
    return boto3.client(
        service,
        endpoint_url=configuration["url"],
        region_name="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="an example",
        config=Config(retries={"max_attempts": 2, "mode": "standard"}, **options),
    )


def objects(configuration, state):
    """List with pages, get as a stream, put."""
    s3 = _client(configuration, "s3", s3={"addressing_style": "path"})
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="shop"):
        for entry in page["Contents"]:
            body = s3.get_object(Bucket="shop", Key=entry["Key"])["Body"]
            op.upsert("objects", {"key": entry["Key"], "text": body.read().decode(), "size": entry["Size"]})
    s3.put_object(Bucket="shop", Key="answer", Body=b"the answer")


def transfers(configuration, state):
    """Down and up through the library's own threads."""
    s3 = _client(configuration, "s3", s3={"addressing_style": "path"})
    received = io.BytesIO()
    s3.download_fileobj("shop", "b/two", received)
    op.upsert("objects", {"key": "b/two", "text": received.getvalue().decode()})
    s3.upload_fileobj(io.BytesIO(b"the upload"), "shop", "uploaded")


def items(configuration, state):
    table = _client(configuration, "dynamodb")
    for page in table.get_paginator("scan").paginate(TableName="orders"):
        for item in page["Items"]:
            op.upsert("items", {"id": item["id"]["S"], "total": int(item["total"]["N"])})


def failures(configuration, state):
    """The library's own exceptions."""
    s3 = _client(configuration, "s3", s3={"addressing_style": "path"})
    try:
        s3.get_object(Bucket="shop", Key="missing")
    except s3.exceptions.NoSuchKey as error:
        op.upsert("raised", {"name": "missing", "kind": error.response["Error"]["Code"]})
    try:
        s3.get_object(Bucket="closed", Key="any")
    except ClientError as error:
        op.upsert("raised", {"name": "closed", "kind": error.response["Error"]["Code"]})
    slow = _client(configuration, "s3", read_timeout=0.2, s3={"addressing_style": "path"})
    try:
        slow.get_object(Bucket="shop", Key="slow")
    except ReadTimeoutError as error:
        op.upsert("raised", {"name": "slow", "kind": type(error).__name__})
    nowhere = _client({"url": configuration["nowhere"]}, "s3", s3={"addressing_style": "path"})
    try:
        nowhere.list_buckets()
    except EndpointConnectionError as error:
        op.upsert("raised", {"name": "nowhere", "kind": type(error).__name__})


MODES = {function.__name__: function for function in (objects, transfers, items, failures)}
