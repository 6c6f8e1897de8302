"""Runs the connector with plain Python: stand-ins take the rows, and no network is used."""

import importlib
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def load():
    """The connector with the SDK and requests replaced; returns both modules' stand-ins with it."""
    sdk, requests = mock.MagicMock(), mock.MagicMock()
    sys.modules.pop("connector", None)
    with mock.patch.dict(sys.modules, {"fivetran_connector_sdk": sdk, "requests": requests}):
        return importlib.import_module("connector"), sdk.Operations, requests


class ConnectorTest(unittest.TestCase):
    def setUp(self):
        self.connector, self.op, self.requests = load()

    def sent(self):
        return [call.kwargs["data"]["id"] for call in self.op.upsert.call_args_list]

    def test_first_sync_sends_everything(self):
        self.connector.update({}, {})
        self.assertEqual(self.sent(), [1, 2, 3, 1])
        last = self.op.checkpoint.call_args.kwargs["state"]
        self.assertEqual(last, {"updated_after": "2025-01-03T17:45:00Z"})

    def test_next_sync_sends_only_what_changed(self):
        self.connector.update({}, {"updated_after": "2025-01-02T08:15:00Z"})
        self.assertEqual(self.sent(), [1])

    def test_a_checkpoint_follows_every_page(self):
        self.connector.update({}, {})
        calls = [name for name, _, _ in self.op.method_calls]
        self.assertEqual(calls, ["upsert", "upsert", "checkpoint"] * 2)

    def test_a_service_is_asked_for_changes_after_the_cursor(self):
        order = {"id": 9, "updated_at": "2025-02-01T00:00:00Z"}
        self.requests.get.return_value.json.return_value = {"orders": [order], "more": False}
        self.connector.update({"base_url": "https://api.example.com", "api_key": "k"}, {"updated_after": "x"})
        self.assertEqual(self.sent(), [9])
        self.assertEqual(self.requests.get.call_args.kwargs["params"]["updated_after"], "x")


if __name__ == "__main__":
    unittest.main()
