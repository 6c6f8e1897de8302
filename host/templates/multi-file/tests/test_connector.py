"""Syncs the connector with plain Python, against the server of the tests."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import stand_ins


class ConnectorTest(stand_ins.SyncTestCase):
    modules = ("connector", "shop", "shop.api", "shop.tables")

    def test_listings_become_tables(self):
        self.sync({})
        self.assertEqual(len(self.sent("customers")), 3)
        self.assertEqual(self.sent("orders")[0], {"id": 1, "customer_id": 2, "total": "1.50"})
        self.assertEqual(
            self.sent("order_lines")[1], {"order_id": 1, "line": 2, "product": "ink", "count": 1}
        )

    def test_each_listing_has_a_cursor_of_its_own(self):
        self.assertEqual(self.sync({}), {"customers": 3, "orders": 5})
        self.sync({"customers": 3, "orders": 4})
        self.assertEqual((self.sent("customers"), [row["id"] for row in self.sent("orders")]), ([], [5]))


if __name__ == "__main__":
    unittest.main()
