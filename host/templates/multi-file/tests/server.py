"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

from serving import serve

TOKEN = "example-token"

LISTINGS = {
    "/customers": [
        {"id": number, "name": name} for number, name in enumerate(("Ada", "Grace", "Alan"), start=1)
    ],
    "/orders": [
        {
            "id": number,
            "customer": {"id": 1 + number % 3},
            "total": f"{number}.50",
            "lines": [{"product": "pen", "count": number}, {"product": "ink", "count": 1}],
        }
        for number in range(1, 6)
    ],
}


def answer(path, query):
    """The status and body for a request: GET /customers?after=ID&limit=COUNT, and /orders in the same way."""
    rows = LISTINGS.get(path)
    if rows is None:
        return 404, {"message": "there is no such listing"}
    after, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
    return 200, [row for row in rows if row["id"] > after][:limit]


if __name__ == "__main__":
    serve(answer, TOKEN)
