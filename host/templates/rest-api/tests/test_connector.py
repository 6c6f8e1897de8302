"""Syncs the connector with plain Python, against the server of the tests."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import stand_ins


class ConnectorTest(stand_ins.SyncTestCase):
    def test_every_page_is_read(self):
        self.sync({})
        self.assertEqual([row["id"] for row in self.sent("products")], list(range(1, 8)))

    def test_a_checkpoint_follows_every_page(self):
        self.sync({})
        states = [call.args[0] for call in self.op.checkpoint.call_args_list]
        self.assertEqual(states, [{"page": 2}, {"page": 3}, {}])

    def test_a_sync_goes_on_where_the_last_one_stopped(self):
        self.sync({"page": 3})
        self.assertEqual([row["id"] for row in self.sent("products")], [7])


if __name__ == "__main__":
    unittest.main()
