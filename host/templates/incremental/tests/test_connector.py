"""Runs the connector with plain Python: stand-ins take the rows, and no network is used."""

import importlib
import sys
import unittest
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import server  # noqa: E402

CONFIGURATION = {"base_url": "http://service", "token": server.TOKEN}


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


def load():
    """The connector with the SDK and requests replaced, and what takes its operations."""
    stand_ins = {name: mock.MagicMock() for name in MODULES}
    stand_ins["requests"].Session = Session
    for name in OWN:
        sys.modules.pop(name, None)
    with mock.patch.dict(sys.modules, stand_ins):
        return importlib.import_module("connector"), stand_ins["fivetran_connector_sdk"].Operations


MODULES = (
    "fivetran_connector_sdk",
    "requests",
    "requests.adapters",
    "urllib3",
    "urllib3.util",
    "urllib3.util.retry",
)
OWN = ("connector",)


class ConnectorTest(unittest.TestCase):
    def setUp(self):
        self.connector, self.op = load()

    def sync(self, state):
        """One sync; the state of its last checkpoint."""
        self.op.reset_mock()
        self.connector.update(CONFIGURATION, dict(state))
        return self.op.checkpoint.call_args.args[0] if self.op.checkpoint.called else state

    def sent(self, table):
        calls = self.op.upsert.call_args_list
        return [call.args[1] for call in calls if call.args[0] == table]

    def test_first_sync_sends_everything(self):
        state = self.sync({})
        self.assertEqual([row["id"] for row in self.sent("orders")], list(range(1, 11)))
        self.assertEqual(state, {"updated_after": "2025-01-10T09:00:00Z"})

    def test_next_sync_sends_only_what_changed(self):
        self.sync({"updated_after": "2025-01-08T09:00:00Z"})
        self.assertEqual([row["id"] for row in self.sent("orders")], [9, 10])

    def test_nothing_new_sends_nothing_and_keeps_the_state(self):
        state = {"updated_after": "2025-01-10T09:00:00Z"}
        self.assertEqual(self.sync(state), state)
        self.assertEqual(self.sent("orders"), [])


if __name__ == "__main__":
    unittest.main()
