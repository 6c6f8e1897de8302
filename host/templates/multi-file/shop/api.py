"""Talks with the service; knows nothing of tables."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT_SECONDS = 30
PAGE_SIZE = 2


class Api:
    """A session with the service."""

    def __init__(self, base_url, token):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        # Retry-After headers of the service are obeyed.
        retry = Retry(total=5, backoff_factor=0.5, status_forcelist=[429, 502, 503, 504])
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=retry))

    def pages(self, listing, after):
        """The records of a listing after an id, in pages, in the order of their ids."""
        while True:
            parameters = {"after": after, "limit": PAGE_SIZE}
            response = self.session.get(
                f"{self.base_url}/{listing}", params=parameters, timeout=TIMEOUT_SECONDS
            )
            response.raise_for_status()
            page = response.json()
            if not page:
                return
            yield page
            after = page[-1]["id"]
