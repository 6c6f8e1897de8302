"""The native side of ``measure_http.py``: the same work, or pages of rows landed with ``executemany``."""

import sqlite3
import sys
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parent / "pages"))

import work

UPSERT = """
INSERT INTO items (id, name, score, active, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name, score = excluded.score, active = excluded.active, created_at = excluded.created_at
"""


def rows(url: str, pages: int, path: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS items "
        "(id INTEGER PRIMARY KEY, name TEXT, score REAL, active INTEGER, created_at TEXT)"
    )
    database.execute("CREATE TABLE IF NOT EXISTS state (page INTEGER)")
    with requests.Session() as session:
        for number in range(pages):
            page = session.get(f"{url}/{number}", timeout=30).json()["data"]
            database.execute("BEGIN")
            database.executemany(UPSERT, [tuple(row.values()) for row in page])
            database.execute("DELETE FROM state")
            database.execute("INSERT INTO state VALUES (?)", (number,))
            database.execute("COMMIT")
    database.close()


if __name__ == "__main__":
    kind, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "rows":
        rows(url, count, sys.argv[4])
    else:
        print(getattr(work, kind)(url, count))
