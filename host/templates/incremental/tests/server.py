"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

from serving import serve

TOKEN = "example-token"

ORDERS = [
    {
        "id": number,
        "customer": ["Ada", "Grace", "Alan"][number % 3],
        "total": 10 * number,
        "updated_at": f"2025-01-{number:02}T09:00:00Z",
    }
    for number in range(1, 11)
]


def answer(path, query):
    """The status and body for a request: GET /orders?updated_after=TIME&limit=COUNT, oldest change first."""
    if path != "/orders":
        return 404, {"message": "there is no such listing"}
    after, limit = query.get("updated_after", ""), int(query.get("limit", "100"))
    return 200, [order for order in ORDERS if order["updated_at"] > after][:limit]


if __name__ == "__main__":
    serve(answer, TOKEN)
