"""A DynamoDB table, scanned page by page: every request goes to the same URL."""

from decimal import Decimal

import boto3
from boto3.dynamodb.types import TypeDeserializer
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

DESERIALIZER = TypeDeserializer()


def plain(value):
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, set)):
        return sorted(plain(inner) for inner in value)
    return value


def update(configuration, state):
    client = boto3.client(
        "dynamodb",
        region_name="eu-central-1",
        aws_access_key_id=configuration["key"],
        aws_secret_access_key=configuration["secret"],
    )
    key = client.describe_table(TableName="players")["Table"]["KeySchema"][0]["AttributeName"]
    arguments = {"TableName": "players", "Limit": 2}
    while True:
        answer = client.scan(**arguments)
        for item in answer["Items"]:
            row = {name: plain(DESERIALIZER.deserialize(value)) for name, value in item.items()}
            op.upsert("player", {"key_name": key, **row})
        if "LastEvaluatedKey" not in answer:
            break
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    op.checkpoint(state)


connector = Connector(update=update, schema=lambda c: [{"table": "player", "primary_key": ["id"]}])
