"""The network, through the libraries that authors use."""

import http.client
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
    op.upsert("pages", {"library": "urllib3", "text": urllib3.PoolManager().request("GET", url).data.decode()})
    with urllib.request.urlopen(url, timeout=10) as response:
        op.upsert("pages", {"library": "urllib", "text": response.read().decode()})
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", parts.path)
    op.upsert("pages", {"library": "http.client", "text": connection.getresponse().read().decode()})


def retry(configuration, state):
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(total=5, backoff_factor=0, status_forcelist=[503])))
    response = session.get(configuration["url"], timeout=10)
    op.upsert("retries", {"id": 1, "status": response.status_code, "text": response.text})


def streaming(configuration, state):
    total = 0
    with requests.get(configuration["url"], stream=True, timeout=30) as response:
        for chunk in response.iter_content(65536):
            total += len(chunk)
    op.upsert("streams", {"id": 1, "bytes": total})


def secure(configuration, state):
    try:
        response = requests.get(configuration["url"], timeout=10)
        op.upsert("secure", {"id": 1, "outcome": response.text})
    except requests.exceptions.SSLError as error:
        op.upsert("secure", {"id": 1, "outcome": "SSLError", "error": str(error)})


def paginated(configuration, state):
    """Pages of a real API, from where the state says."""
    session = requests.Session()
    cursor = state.get("updated_since", "")
    while True:
        parameters = {"order_by": "updatedAt", "order_type": "asc", "per_page": 50}
        if cursor:
            parameters["updated_since"] = cursor
        response = session.get(configuration["url"], params=parameters, timeout=10)
        response.raise_for_status()
        page = response.json()
        items = page.get("data", [])
        for item in items:
            op.upsert("users", item)
        if not items:
            break
        cursor = items[-1]["updatedAt"]
        op.checkpoint({"updated_since": cursor})
        if not page.get("has_more"):
            break


def posted(configuration, state):
    response = requests.post(configuration["url"], json={"a": [1, 2]}, headers={"X-Test": "yes"}, timeout=10)
    op.upsert("posted", {"id": 1, "echo": json.dumps(response.json(), sort_keys=True)})


MODES = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
}
