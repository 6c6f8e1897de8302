"""Documents of MongoDB, read by its driver without machine code."""

from fivetran_connector_sdk import Operations as op


def orders(configuration, state):
    import pymongo

    uri = f"mongodb://{configuration['host']}:{configuration['port']}/?directConnection=true"
    options = {"tls": True} if configuration["tls"] == "yes" else {}
    client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=20_000, **options)
    for order in client.shop.orders.find():
        op.upsert("orders", order)
    op.upsert("outcomes", {"name": "ping", "value": str(client.admin.command("ping")["ok"])})
    try:
        client.admin.command("nonsense")
    except pymongo.errors.OperationFailure as error:
        op.upsert("outcomes", {"name": "failure", "value": str(error.code)})
    if configuration.get("close") == "yes":
        client.close()


def nowhere(configuration, state):
    """A server that is not there, or not granted."""
    import pymongo

    uri = f"mongodb://{configuration['host']}:{configuration['port']}/?directConnection=true"
    client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=300)
    try:
        client.shop.orders.find_one()
    except pymongo.errors.ServerSelectionTimeoutError as error:
        op.upsert("outcomes", {"name": "nowhere", "value": str(error)[:300]})


MODES = {"mongo": orders, "mongo_nowhere": nowhere}
