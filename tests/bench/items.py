"""The table of the scripts that somebody would write by hand.

It has the durability that Sluice's has (WAL, synchronous FULL), so that what is compared is the way of a row
and not a setting.
"""

import sqlite3

UPSERT = """
INSERT INTO items (id, name, score, active, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name, score = excluded.score, active = excluded.active, created_at = excluded.created_at
"""


def opened(path: str) -> sqlite3.Connection:
    """A database with the table."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS items "
        "(id INTEGER PRIMARY KEY, name TEXT, score REAL, active INTEGER, created_at TEXT)"
    )
    return database
