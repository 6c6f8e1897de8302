"""Runs the connector with plain Python: stand-ins take the rows, and no database is asked."""

import importlib
import sys
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
ROWS = [(number, f"Product {number}", "1.50", START + timedelta(days=number)) for number in range(1, 8)]


def load():
    """The connector with the SDK and the driver replaced; what takes its operations, and the driver."""
    names = ("fivetran_connector_sdk", "pg8000", "pg8000.dbapi")
    stand_ins = {name: mock.MagicMock() for name in names}
    stand_ins["pg8000"].dbapi = stand_ins["pg8000.dbapi"]
    sys.modules.pop("connector", None)
    with mock.patch.dict(sys.modules, stand_ins):
        module = importlib.import_module("connector")
    return module, stand_ins["fivetran_connector_sdk"].Operations, stand_ins["pg8000.dbapi"]


class ConnectorTest(unittest.TestCase):
    def setUp(self):
        self.connector, self.op, self.driver = load()
        self.statement = self.driver.connect.return_value.cursor.return_value
        self.statement.execute.side_effect = self.execute

    def execute(self, _query, parameters):
        time, number, limit = parameters
        after = (datetime.fromisoformat(time), number)
        found = [row for row in ROWS if (row[3], row[0]) > after][:limit]
        self.statement.fetchall.return_value = found

    def sync(self, state):
        self.connector.update({"database_url": "postgresql://me:secret@db.example.com/shop"}, state)
        return [call.args[1]["id"] for call in self.op.upsert.call_args_list]

    def test_first_sync_sends_everything_in_pages(self):
        self.assertEqual(self.sync({}), [1, 2, 3, 4, 5, 6, 7])
        self.assertEqual(self.op.checkpoint.call_count, 3)

    def test_next_sync_goes_on_after_the_cursor(self):
        self.assertEqual(self.sync({"cursor": [ROWS[4][3].isoformat(), 5]}), [6, 7])

    def test_the_url_says_where_and_who(self):
        self.sync({})
        said = self.driver.connect.call_args.kwargs
        self.assertEqual((said["host"], said["port"], said["user"]), ("db.example.com", 5432, "me"))
        self.driver.connect.return_value.close.assert_called_once()


if __name__ == "__main__":
    unittest.main()
