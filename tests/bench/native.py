"""The script that somebody would write by hand: the rows of ``bulk``, with ``executemany``."""

import sys

import items

STAMPS = [f"2024-01-01T00:{second // 60:02d}:{second % 60:02d}Z" for second in range(3600)]


def main(path: str, rows: int, salt: str) -> None:
    database = items.opened(path)
    database.execute("CREATE TABLE IF NOT EXISTS state (rows INTEGER)")
    database.execute("BEGIN")
    batch = []
    for number in range(rows):
        row = {
            "id": number,
            "name": f"item number {number}{salt}",
            "score": number * 0.5,
            "active": number % 2 == 0,
            "created_at": STAMPS[number % len(STAMPS)],
        }
        batch.append(tuple(row.values()))
        if len(batch) == 1000:
            database.executemany(items.UPSERT, batch)
            batch.clear()
        if (number + 1) % 100_000 == 0:
            database.execute("DELETE FROM state")
            database.execute("INSERT INTO state VALUES (?)", (number + 1,))
            database.execute("COMMIT")
            database.execute("BEGIN")
    database.executemany(items.UPSERT, batch)
    database.execute("COMMIT")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
