"""Syncs the connector with plain Python, against the server of the tests."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import stand_ins


class ConnectorTest(stand_ins.SyncTestCase):
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
