"""A stand-in for the database: as much of PostgreSQL's protocol as the connector needs, over SQLite.

`sluice run . --with-server tests/server.py` starts it. It prints its URL and serves until it is ended.
It knows no passwords and no TLS, and statements must mean the same in SQLite.
"""

import re
import socketserver
import sqlite3
import struct

# The types of PostgreSQL that columns have by their names; everything else is text.
TYPES = {"id": 20, "price": 1700, "updated_at": 1184}
TEXT = 25
SSL_REQUEST, CANCEL_REQUEST = 80877103, 80877102

PRODUCTS = [
    (number, f"Product {number}", f"{number}.50", f"2025-01-{1 + number // 2:02} 09:00:00+00")
    for number in range(1, 9)
]


def database():
    """The rows, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(
        "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price TEXT, updated_at TEXT)"
    )
    connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", PRODUCTS)
    return connection


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        try:
            if self.greet():
                self.rows, self.statements, self.portal = database(), {}, ("", [])
                while self.message():
                    pass
        except (ConnectionError, struct.error):
            pass

    def greet(self):
        """The start of a session; whether there is one."""
        while True:
            length, code = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(length - 8)
            if code == CANCEL_REQUEST:
                return False
            if code != SSL_REQUEST:
                break
            self.wfile.write(b"N")
        self.send(b"R", struct.pack("!i", 0))
        for name, value in (("server_version", "16.0"), ("client_encoding", "UTF8"), ("TimeZone", "UTC")):
            self.send(b"S", text(name) + text(value))
        self.ready()
        return True

    def message(self):
        kind = self.rfile.read(1)
        if kind in (b"", b"X"):
            return False
        (length,) = struct.unpack("!i", self.rfile.read(4))
        body = self.rfile.read(length - 4)
        if kind == b"Q":
            self.execute(body[:-1].decode(), [], describe=True)
            self.ready()
        elif kind == b"P":
            name, statement, _ = body.split(b"\0", 2)
            self.statements[name] = statement.decode()
            self.send(b"1")
        elif kind == b"B":
            self.bind(body)
        elif kind == b"D":
            self.describe(body)
        elif kind == b"E":
            self.execute(*self.portal)
        elif kind == b"C":
            self.send(b"3")
        elif kind == b"S":
            self.ready()
        return True

    def bind(self, body):
        _portal, name, rest = body.split(b"\0", 2)
        (formats,) = struct.unpack_from("!h", rest)
        at = 2 + 2 * formats
        (count,) = struct.unpack_from("!h", rest, at)
        at += 2
        values = []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", rest, at)
            at += 4
            values.append(None if length < 0 else rest[at : at + length].decode())
            at += max(length, 0)
        self.portal = (self.statements[name], values)
        self.send(b"2")

    def describe(self, body):
        statement = self.statements[body[1:-1]] if body[:1] == b"S" else self.portal[0]
        if body[:1] == b"S":
            parameters = len(set(re.findall(r"\$\d+", statement)))
            self.send(b"t", struct.pack(f"!h{parameters}i", parameters, *[TEXT] * parameters))
        columns = self.run(statement, [])[0]
        self.send(*(row_description(columns) if columns else (b"n",)))

    def run(self, statement, values):
        """The names of the columns and the rows of a statement."""
        if not statement.lstrip().lower().startswith("select"):
            return [], []
        numbered = re.sub(r"\$(\d+)", r"?\1", statement)
        wanted = len(set(re.findall(r"\?\d+", numbered)))
        values = [*values, *[None] * (wanted - len(values))]
        for place, value in enumerate(values):
            # times are compared as they are stored
            if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
                values[place] = value.replace("T", " ").replace("+00:00", "+00")
            elif isinstance(value, str) and value.isdigit():
                values[place] = int(value)
        found = self.rows.execute(numbered, values)
        return [column[0] for column in found.description], found.fetchall()

    def execute(self, statement, values, describe=False):
        columns, rows = self.run(statement, values)
        if describe and columns:
            self.send(*row_description(columns))
        for row in rows:
            fields = b"".join(field(value) for value in row)
            self.send(b"D", struct.pack("!h", len(row)) + fields)
        self.send(b"C", text(f"SELECT {len(rows)}" if columns else statement.split()[0].upper()))

    def send(self, kind, body=b""):
        self.wfile.write(kind + struct.pack("!i", len(body) + 4) + body)

    def ready(self):
        self.send(b"Z", b"I")
        self.wfile.flush()


def text(value):
    return value.encode() + b"\0"


def field(value):
    if value is None:
        return struct.pack("!i", -1)
    data = str(value).encode()
    return struct.pack("!i", len(data)) + data


def row_description(columns):
    described = [
        text(name) + struct.pack("!ihihih", 0, 0, TYPES.get(name, TEXT), -1, -1, 0) for name in columns
    ]
    return b"T", struct.pack("!h", len(columns)) + b"".join(described)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Session)
    print(f"tcp://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
