"""Syncs the connector with plain Python, against the server of the tests."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import stand_ins


class ConnectorTest(stand_ins.SyncTestCase):
    def test_changes_become_upserts_and_deletes_in_their_order(self):
        self.sync({})
        names = [name for name, _, _ in self.op.method_calls if name != "checkpoint"]
        self.assertEqual(names, ["upsert"] * 3 + ["delete", "upsert", "upsert", "delete"])
        deleted = [call.args for call in self.op.delete.call_args_list]
        self.assertEqual(deleted, [("customers", {"id": 2}), ("customers", {"id": 1})])

    def test_next_sync_goes_on_after_the_last_change(self):
        state = self.sync({"after": 6})
        self.assertEqual((self.sent("customers"), state), ([], {"after": 7}))


if __name__ == "__main__":
    unittest.main()
