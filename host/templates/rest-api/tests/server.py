"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

from serving import serve

TOKEN = "example-token"

PRODUCTS = [
    {"id": number, "name": f"Product {number}", "price": 9.5 + number, "tags": ["new"] if number % 2 else []}
    for number in range(1, 8)
]
PAGE = 3


def answer(path, query):
    """The status and body for a request: GET /products?page=2, pages from 1."""
    if path != "/products":
        return 404, {"message": "there is no such listing"}
    start = (int(query.get("page", "1")) - 1) * PAGE
    return 200, {"items": PRODUCTS[start : start + PAGE], "more": start + PAGE < len(PRODUCTS)}


if __name__ == "__main__":
    serve(answer, TOKEN)
