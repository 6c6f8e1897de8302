"""The service's interface."""

import http.client
import json
from urllib.parse import urlsplit


class Api:
    def __init__(self, base: str):
        self.base = urlsplit(base)

    def get(self, path: str):
        connection = http.client.HTTPSConnection(self.base.hostname, timeout=10)
        try:
            connection.request("GET", f"{self.base.path}/{path}", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {answer.reason}")
            return json.load(answer)
        finally:
            connection.close()
