"""What both sides do: read a table through pg8000."""

import ssl
import time

import pg8000.dbapi

PAGE = 10_000


def read(host: str, port: int, tls: str) -> tuple[int, float]:
    """Read `items` as a connector with bounded memory does; how many rows, and the seconds it took."""
    context = ssl.create_default_context() if tls == "yes" else False
    connection = pg8000.dbapi.connect("postgres", host=host, port=port, ssl_context=context)
    cursor = connection.cursor()
    started = time.perf_counter()
    count = total = 0
    cursor.execute("DECLARE reading NO SCROLL CURSOR FOR SELECT * FROM items")
    while True:
        cursor.execute(f"FETCH FORWARD {PAGE} FROM reading")
        rows = cursor.fetchall()
        for number, _name, _amount, _at, _flag in rows:
            total += number
        count += len(rows)
        if len(rows) < PAGE:
            break
    seconds = time.perf_counter() - started
    connection.close()
    if total != count * (count + 1) // 2:
        raise AssertionError("rows are missing")
    return count, seconds
