"""Stand-ins for the SDK and requests: a test runs the connector with plain Python, and no network is used."""

import importlib
import sys
import unittest
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import server

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

CONFIGURATION = {"base_url": "http://service", "token": server.TOKEN}
REPLACED = (
    "fivetran_connector_sdk",
    "requests",
    "requests.adapters",
    "urllib3",
    "urllib3.util",
    "urllib3.util.retry",
)


class Session:
    """Stands for a session of requests, and answers as the server does."""

    def __init__(self):
        self.headers = {}

    def mount(self, prefix, adapter):
        pass

    def get(self, url, params=None, timeout=None):
        query = {name: str(value) for name, value in (params or {}).items()}
        status, body = server.answer(urlsplit(url).path, query)
        response = mock.MagicMock(status_code=status)
        response.json.return_value = body
        return response


def load(modules):
    """The connector with the SDK and requests replaced, and what takes its operations."""
    stand_ins = {name: mock.MagicMock() for name in REPLACED}
    stand_ins["requests"].Session = Session
    for name in modules:
        sys.modules.pop(name, None)
    with mock.patch.dict(sys.modules, stand_ins):
        return importlib.import_module("connector"), stand_ins["fivetran_connector_sdk"].Operations


class SyncTestCase(unittest.TestCase):
    """Syncs the connector, and looks at what it sent."""

    #: The project's own modules, which each test imports anew.
    modules = ("connector",)

    def setUp(self):
        self.connector, self.op = load(self.modules)

    def sync(self, state):
        """One sync; the state of its last checkpoint."""
        self.op.reset_mock()
        self.connector.update(CONFIGURATION, dict(state))
        return self.op.checkpoint.call_args.args[0] if self.op.checkpoint.called else state

    def sent(self, table):
        """The rows that were upserted."""
        calls = self.op.upsert.call_args_list
        return [call.args[1] for call in calls if call.args[0] == table]
