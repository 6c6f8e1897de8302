"""The native side of ``measure_http.py``: the same work, or pages of rows landed with ``executemany``."""

import sys
from pathlib import Path

import items
import requests

sys.path.insert(0, str(Path(__file__).parent / "pages"))

import work


def rows(url: str, pages: int, path: str) -> None:
    database = items.opened(path)
    database.execute("CREATE TABLE IF NOT EXISTS state (page INTEGER)")
    with requests.Session() as session:
        for number in range(pages):
            page = session.get(f"{url}/{number}", timeout=30).json()["data"]
            database.execute("BEGIN")
            database.executemany(items.UPSERT, [tuple(row.values()) for row in page])
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
