"""The network, through the libraries that authors use."""

import csv
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request

import requests
import urllib3
from fivetran_connector_sdk import Operations as op
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry


def libraries(configuration, state):
    """The same page through each library."""
    url = configuration["url"]
    op.upsert("pages", {"library": "requests", "text": requests.get(url, timeout=10).text})
    op.upsert(
        "pages", {"library": "urllib3", "text": urllib3.PoolManager().request("GET", url).data.decode()}
    )
    with urllib.request.urlopen(url, timeout=10) as response:
        op.upsert("pages", {"library": "urllib", "text": response.read().decode()})
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", parts.path)
    op.upsert("pages", {"library": "http.client", "text": connection.getresponse().read().decode()})


def fetch(configuration, state):
    """The requests of ``configuration["requests"]`` in one session; lands what each gave."""
    session = requests.Session()
    for number, wanted in enumerate(json.loads(configuration["requests"])):
        row = {"id": number}
        try:
            response = session.request(**{"timeout": 10, **wanted})
            row |= {
                "status": response.status_code,
                "reason": response.reason,
                "url": response.url,
                "text": response.text,
                "headers": [list(pair) for pair in response.raw.headers.items()],
                "history": [earlier.status_code for earlier in response.history],
                "content_type": dict(response.headers).get("Content-Type"),
            }
        except Exception as error:
            row["error"] = type(error).__name__
            row["kinds"] = [kind.__name__ for kind in type(error).__mro__]
            row["message"] = str(error)
        op.upsert("fetched", row)


def plain_requests(configuration, state):
    """``http.client`` by itself: a body that is empty, absent, or of unknown length."""
    parts = urllib.parse.urlsplit(configuration["url"])
    bodies = {"none": None, "empty": b"", "some": b"abc", "pieces": iter([b"ab", b"c"])}
    for name, body in bodies.items():
        for method in ("GET", "POST"):
            if method == "GET" and body is not None:
                continue
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
            connection.request(method, parts.path, body=body)
            op.upsert("plain", {"name": f"{method} {name}", "echo": connection.getresponse().read().decode()})


def errors_of_urllib(configuration, state):
    try:
        urllib.request.urlopen(configuration["url"], timeout=10)
    except urllib.error.HTTPError as error:
        op.upsert("raised", {"id": 1, "code": error.code, "text": error.read().decode()})


def retry(configuration, state):
    session = requests.Session()
    session.mount(
        "http://", HTTPAdapter(max_retries=Retry(total=5, backoff_factor=0, status_forcelist=[503]))
    )
    response = session.get(configuration["url"], timeout=10)
    op.upsert("retries", {"id": 1, "status": response.status_code, "text": response.text})


def uploading(configuration, state):
    """As many MiB as said, in requests of one, each with a large header."""
    body, header = b"x" * (1 << 20), "y" * (32 << 10)
    with requests.Session() as session:
        for number in range(int(configuration["count"])):
            answer = session.post(configuration["url"], data=body, headers={"X-Large": header}, timeout=30)
            op.upsert("uploads", {"id": number, "status": answer.status_code})


def streaming(configuration, state):
    total = 0
    with requests.get(configuration["url"], stream=True, timeout=30) as response:
        for chunk in response.iter_content(65536):
            total += len(chunk)
    op.upsert("streams", {"id": 1, "bytes": total})


def piece_by_piece(configuration, state):
    """Answers every piece of a response with a request, without which the server sends no more."""
    with requests.get(configuration["url"] + "/stream", stream=True, timeout=10) as response:
        for number, line in enumerate(response.iter_lines(chunk_size=None)):
            op.upsert("pieces", {"id": number, "line": line.decode()})
            requests.get(f"{configuration['url']}/seen/{number}", timeout=10).raise_for_status()


def reused(configuration, state):
    with requests.Session() as session:
        for number in range(int(configuration["count"])):
            response = session.get(configuration["url"], timeout=10)
            op.upsert("reuses", {"id": number, "status": response.status_code})


def secure(configuration, state):
    try:
        response = requests.get(configuration["url"], timeout=10)
        op.upsert("secure", {"id": 1, "outcome": response.text})
    except requests.exceptions.SSLError as error:
        op.upsert("secure", {"id": 1, "outcome": "SSLError", "error": str(error)})


def playground(configuration, state):
    """Every listing of a REST service that others wrote, from where the state says."""
    base, since = configuration["url"], state.get("updated_since")
    with requests.Session() as session:
        newest = since or ""
        for user in _linked(session, f"{base}/pagination/next_page_url", _starting(since, per_page=50)):
            op.upsert("by_link", user)
            newest = max(newest, user["updatedAt"])
        for user in _numbered(session, f"{base}/pagination/page_number", _starting(since, per_page=40)):
            op.upsert("by_number", user)
        for user in _offset(session, f"{base}/pagination/offset", _starting(since, limit=30)):
            op.upsert("by_offset", user)
        for user in _scrolled(session, f"{base}/pagination/keyset", _starting(since)):
            op.upsert("by_key", user)
        if not since:
            text = _get(session, f"{base}/export/csv").text
            for row in csv.DictReader(io.StringIO(text)):
                op.upsert("exported", row)
    op.checkpoint({"updated_since": newest})


def _starting(since, **parameters):
    return parameters | ({"updated_since": since} if since else {})


def _get(session, url, parameters=None):
    response = session.get(url, params=parameters, timeout=10)
    response.raise_for_status()
    return response


def _linked(session, url, parameters):
    while url:
        page = _get(session, url, parameters).json()
        yield from page["data"]
        url, parameters = page["next_page_url"], None


def _numbered(session, url, parameters):
    number, pages = 1, 1
    while number <= pages:
        page = _get(session, url, {**parameters, "page": number}).json()
        yield from page["data"]
        number, pages = number + 1, page["total_pages"]


def _offset(session, url, parameters):
    offset, total = 0, 1
    while offset < total:
        page = _get(session, url, {**parameters, "offset": offset}).json()
        yield from page["data"]
        offset, total = offset + page["limit"], page["total"]


def _scrolled(session, url, parameters):
    while parameters is not None:
        page = _get(session, url, parameters).json()
        yield from page["data"]
        parameters = {"scroll_param": page["scroll_param"]} if page["scroll_param"] else None


_USERS = ("by_link", "by_number", "by_offset", "by_key", "exported")

DECLARATIONS = {
    "playground": [{"table": table, "primary_key": ["id"]} for table in _USERS],
    "fetch": [{"table": "fetched", "primary_key": ["id"]}],
    "plain_requests": [{"table": "plain", "primary_key": ["name"]}],
    "libraries": [{"table": "pages", "primary_key": ["library"]}],
}

MODES = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
}
