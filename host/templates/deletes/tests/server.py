"""A stand-in for the service, for trying the connector without an account.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
"""

from serving import serve

TOKEN = "example-token"


def customer(number, name):
    return {"id": number, "name": name}


# What happened to the customers, in order.
CHANGES = [
    {"change": "created", "customer": customer(1, "Ada")},
    {"change": "created", "customer": customer(2, "Grace")},
    {"change": "created", "customer": customer(3, "Alan")},
    {"change": "deleted", "customer": {"id": 2}},
    {"change": "changed", "customer": customer(3, "Alan Turing")},
    {"change": "created", "customer": customer(4, "Edsger")},
    {"change": "deleted", "customer": {"id": 1}},
]


def answer(path, query):
    """The status and body for a request: GET /changes?after=NUMBER&limit=COUNT."""
    if path != "/changes":
        return 404, {"message": "there is no such listing"}
    after, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
    changes = [{"number": number, **change} for number, change in enumerate(CHANGES, start=1)]
    return 200, [change for change in changes if change["number"] > after][:limit]


if __name__ == "__main__":
    serve(answer, TOKEN)
