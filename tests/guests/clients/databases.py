"""Drivers of databases and queues, unmodified, over granted TCP."""

import select
import selectors
import socket
import ssl
import warnings
from decimal import Decimal

from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def _secure(configuration):
    return ssl.create_default_context() if configuration["tls"] == "yes" else False


def postgres(configuration, state):
    import pg8000.dbapi

    connection = pg8000.dbapi.connect(
        "postgres",
        host=configuration["host"],
        port=int(configuration["port"]),
        ssl_context=_secure(configuration),
    )
    cursor = connection.cursor()
    cursor.execute(
        "CREATE TEMP TABLE people (id int PRIMARY KEY, name text, paid numeric, born date, tags text[])"
    )
    cursor.executemany(
        "INSERT INTO people VALUES (%s, %s, %s, %s, %s)",
        [(1, "Ada", Decimal("1.50"), "1815-12-10", ["a", "b"]), (2, "Bjørn \U0001f40d", None, None, [])],
    )
    connection.commit()
    cursor.execute("SELECT * FROM people ORDER BY id")
    names = [column[0] for column in cursor.description]
    for row in cursor:
        op.upsert("people", dict(zip(names, row, strict=True)))
    try:
        cursor.execute("SELECT * FROM nowhere")
    except pg8000.dbapi.ProgrammingError as error:
        log.info(f"code {error.args[0]['C']}")
    except pg8000.dbapi.DatabaseError as error:
        log.info(f"code {error.args[0]['C']}")
    connection.rollback()
    # more than any buffer on the way, in both directions
    cursor.execute("SELECT md5(%s), length(%s), repeat('x', 3000000)", ("y" * 2_500_000, "y" * 2_500_000))
    digest, length, text = cursor.fetchone()
    op.upsert("large", {"id": 1, "digest": digest, "length": length, "received": len(text)})
    connection.close()


def psycopg(configuration, state):
    import psycopg2
    import psycopg2.extras
    from psycopg2 import errors, sql

    mode = "verify-full" if configuration["tls"] == "yes" else "disable"
    where = f"host={configuration['host']} port={configuration['port']}"
    dsn = f"{where} user=postgres dbname=postgres sslmode={mode}"
    with psycopg2.connect(dsn) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE items (id int PRIMARY KEY, name text, price numeric, data jsonb)"
            )
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO items VALUES %s",
                [
                    (n, f"it's 100% \\ {n}", Decimal(n) / 4, psycopg2.extras.Json({"n": n}))
                    for n in range(1, 251)
                ],
            )
            cursor.execute(
                "UPDATE items SET name = %(name)s WHERE id IN %(ids)s", {"name": "%", "ids": (2, 3)}
            )
            op.upsert("outcomes", {"name": "updated", "value": str(cursor.rowcount)})
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            table = sql.SQL("SELECT {} FROM {} WHERE id <= %s ORDER BY id")
            columns = sql.SQL(", ").join(map(sql.Identifier, ("id", "name", "price", "data")))
            cursor.execute(table.format(columns, sql.Identifier("items")), (3,))
            for row in cursor:
                op.upsert("items", dict(row))
        with connection.cursor(name="all of them") as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT id FROM items WHERE id > %s", [0])
            op.upsert("outcomes", {"name": "streamed", "value": str(sum(1 for _ in cursor))})
        with connection.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
            cursor.execute(
                "SELECT 1 AS one, now() - now() AS nothing, 'a'::bytea AS bytes, gen_random_uuid() AS uuid"
            )
            row = cursor.fetchone()
            kinds = (
                row["one"],
                row[0],
                type(row["nothing"]).__name__,
                bytes(row["bytes"]),
                type(row[3]).__name__,
            )
            op.upsert("outcomes", {"name": "kinds", "value": " ".join(map(str, kinds))})
    for name, statement in (
        ("again", "INSERT INTO items (id) VALUES (1)"),
        ("nowhere", "SELECT * FROM nowhere"),
        ("zero", "SELECT 1 / 0"),
    ):
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error as error:
            kinds = (errors.UniqueViolation, errors.UndefinedTable, psycopg2.DataError)
            found = [kind.__name__ for kind in kinds if isinstance(error, kind)]
            op.upsert("outcomes", {"name": name, "value": f"{error.pgcode} {found}"})
    connection.close()
    try:
        connection.cursor()
    except psycopg2.InterfaceError as error:
        op.upsert("outcomes", {"name": "closed", "value": str(error)})
    try:
        psycopg2.connect("postgresql://someone@nowhere.example/db?sslmode=disable")
    except psycopg2.OperationalError as error:
        op.upsert("outcomes", {"name": "denied", "value": str(error).strip()})


def mysql(configuration, state):
    import mysql.connector
    import pymysql
    import pymysql.cursors

    where = {"host": configuration["host"], "port": int(configuration["port"]), "user": "someone"}
    secure = configuration["tls"] == "yes"
    connection = pymysql.connect(
        **where, ssl=ssl.create_default_context() if secure else None, cursorclass=pymysql.cursors.DictCursor
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM words WHERE id > %s", (0,))
        for row in cursor.fetchall():
            op.upsert("pymysql", row)
    other = mysql.connector.connect(**where, use_pure=True, ssl_disabled=not secure)
    cursor = other.cursor(dictionary=True)
    cursor.execute("SELECT id, name FROM words")
    for row in cursor:
        op.upsert("connector", row)
    other.close()


def keys(configuration, state):
    import redis

    client = redis.Redis(
        configuration["host"],
        int(configuration["port"]),
        ssl=configuration["tls"] == "yes",
        decode_responses=True,
        socket_timeout=20,
    )
    client.delete("numbers")
    client.set("greeting", "grüße")
    client.hset("person", mapping={"name": "Ada", "born": 1815})
    with client.pipeline() as pipeline:
        for number in range(200):
            pipeline.rpush("numbers", number)
        pipeline.execute()
    op.upsert("keys", {"key": "greeting", "value": client.get("greeting")})
    op.upsert("keys", {"key": "person", "value": str(client.hgetall("person"))})
    op.upsert("keys", {"key": "numbers", "value": str(sum(map(int, client.lrange("numbers", 0, -1))))})
    try:
        client.lpush("greeting", 1)
    except redis.ResponseError as error:
        op.upsert("keys", {"key": "error", "value": str(error)[:9]})


def queue(configuration, state):
    import pika

    where = pika.ConnectionParameters(configuration["host"], int(configuration["port"]), socket_timeout=20)
    connection = pika.BlockingConnection(where)
    channel = connection.channel()
    declared = channel.queue_declare("work", passive=True)
    method, _, body = channel.basic_get("work")
    channel.basic_ack(method.delivery_tag)
    op.upsert(
        "messages", {"id": method.delivery_tag, "body": body.decode(), "left": declared.method.message_count}
    )
    connection.close()


def sql_server(configuration, state):
    import pytds

    def connect(**more):
        where = {"dsn": configuration["host"], "port": int(configuration["port"]), "login_timeout": 60}
        if configuration["tls"] == "yes":
            where["cafile"] = "ca.pem"
        return pytds.connect(**{**where, "user": "sa", "password": "hunter2", **more})

    def rows():
        with warnings.catch_warnings(record=True) as warned, connect(timeout=30) as connection:
            timeout = connection._tds_socket.sock.gettimeout()
            cursor = connection.cursor()
            cursor.execute("SELECT id, name FROM people")
            for number, name in cursor.fetchall():
                op.upsert("people", {"id": number, "name": name})
            cursor.execute("SELECT id, name FROM many")
            many = sum(number for number, _ in cursor.fetchall())
            cursor.execute("SELECT encryption")
            encryption = cursor.fetchone()[1]
            connection.commit()
        return encryption, many, timeout, sorted({str(one.message) for one in warned})

    def mistaken():
        with connect(password="hunter3"):
            pass

    def login_only():
        with connect(enc_login_only=True):
            pass

    for action in (rows, mistaken, login_only):
        op.upsert("outcomes", {"name": action.__name__, "value": _outcome(action)})


def _outcome(action):
    try:
        return str(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def sockets(configuration, state):
    """What sockets do by themselves, against a server that sends lines back."""
    where = (configuration["host"], int(configuration["port"]))

    def echo():
        with socket.create_connection(where, 10) as connection:
            connection.sendall(b"one\ntwo\n")
            with connection.makefile("rb") as file:
                return [file.readline(), file.readline()]

    def pieces():
        with socket.create_connection(where, 10) as connection:
            connection.sendmsg([b"ab", bytearray(b"cd"), memoryview(b"e\n")])
            peeked = connection.recv(3, socket.MSG_PEEK)
            buffer = bytearray(4)
            return peeked, connection.recv_into(buffer, 2), bytes(buffer), connection.recv(100)

    def slow():
        with socket.create_connection(where, 10) as connection:
            connection.settimeout(0.05)
            try:
                connection.recv(1)
            except TimeoutError:
                connection.settimeout(10)
                connection.sendall(b"later\n")
                return connection.recv(100)

    def not_blocking():
        with socket.create_connection(where, 10) as connection:
            connection.setblocking(False)
            try:
                connection.recv(1)
            except BlockingIOError:
                connection.sendall(b"now\n")
                readable, writable, _ = select.select([connection], [], [], 10)
                return readable == [connection], writable, connection.recv(100)

    def several():
        with selectors.DefaultSelector() as selector:
            connections = [socket.create_connection(where, 10) for _ in range(5)]
            for number, connection in enumerate(connections):
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, number)
                connection.sendall(b"%d\n" % number)
            found = {}
            while len(found) < 5:
                for key, _ in selector.select(10):
                    found[key.data] = key.fileobj.recv(10)
            for connection in connections:
                connection.close()
            return sorted(found.items())

    def ends():
        connection = socket.create_connection(where, 10)
        connection.sendall(b"last\n")
        connection.shutdown(socket.SHUT_WR)
        received = [connection.recv(100), connection.recv(100)]
        connection.close()
        return received, connection.fileno(), _outcome(lambda: connection.recv(1))

    def names():
        info = socket.getaddrinfo(where[0], where[1], type=socket.SOCK_STREAM)
        same = info == socket.getaddrinfo(where[0], where[1], type=socket.SOCK_STREAM)
        connection = socket.socket(*info[0][:3])
        connection.connect(info[0][4])
        connection.sendall(b"by address\n")
        return same, connection.recv(100), connection.getpeername()[1] == where[1]

    def pair():
        one, other = socket.socketpair()
        one.sendall(b"inside")
        return select.select([other], [], [], 0)[0] == [other], other.recv(10)

    actions = {
        action.__name__: action for action in (echo, pieces, slow, not_blocking, several, ends, names, pair)
    }
    actions["unix"] = lambda: socket.socket(1, socket.SOCK_STREAM)
    actions["udp"] = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(where)
    actions["other port"] = lambda: socket.create_connection((where[0], where[1] ^ 1))
    actions["other host"] = lambda: socket.create_connection(("other.example", where[1]))
    actions["address"] = lambda: socket.create_connection(("198.18.77.77", where[1]))
    actions["metadata"] = lambda: socket.create_connection(("169.254.169.254", 80))
    actions["lookup"] = lambda: socket.gethostbyname("other.example")
    actions["listen"] = lambda: socket.create_server(("0.0.0.0", 8000)).accept()
    actions["strange"] = lambda: socket.create_connection(("a b", 80))
    actions["lone"] = lambda: socket.create_connection(("\udc80", 80))
    for name, action in actions.items():
        op.upsert("outcomes", {"name": name, "value": _outcome(action)})


def tls(configuration, state):
    """What contexts and TLS sockets do."""
    where = (configuration["host"], int(configuration["port"]))
    context = ssl.create_default_context()
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE

    def details():
        with (
            socket.create_connection(where, 10) as plain,
            context.wrap_socket(plain, server_hostname=where[0]) as one,
        ):
            one.sendall(b"PING\r\n")
            certificate = one.getpeercert(binary_form=True)
            kind = isinstance(one, ssl.SSLSocket)
            return one.recv(100), one.version(), bool(certificate), one.getpeercert()["subjectAltName"], kind

    def late():
        with context.wrap_socket(socket.socket(), server_hostname=where[0]) as one:
            one.connect(where)
            one.sendall(b"PING\r\n")
            return one.recv(100)

    def another_name():
        with socket.create_connection(where, 10) as plain:
            return context.wrap_socket(plain, server_hostname="other.example")

    def no_verification():
        with socket.create_connection(where, 10) as plain, unverified.wrap_socket(plain) as one:
            one.sendall(b"PING\r\n")
            return one.recv(100)

    for action in (details, late, another_name, no_verification):
        op.upsert("outcomes", {"name": action.__name__, "value": _outcome(action)})


def clear(configuration, state):
    """Writes in the clear, as they come in ``writes``, and tells how each went."""
    for number, text in enumerate(configuration["writes"].split("|")):
        with socket.create_connection((configuration["host"], int(configuration["port"])), 10) as connection:
            for piece in text.split("+"):
                outcome = _outcome(lambda piece=piece: connection.sendall(bytes.fromhex(piece)))
            op.upsert("outcomes", {"name": str(number), "value": outcome})


def injected(configuration, state):
    """Begins TLS where somebody in between sends more than the answer."""
    connection = socket.create_connection((configuration["host"], int(configuration["port"])), 10)
    connection.sendall(bytes.fromhex("0000000804d2162f"))
    answer = connection.recv(1)
    outcome = _outcome(
        lambda: ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    )
    op.upsert("outcomes", {"name": answer.decode(), "value": outcome})


def flood(configuration, state):
    """Opens connections and keeps them."""
    kept = []
    for _ in range(10_000):
        kept.append(socket.create_connection((configuration["host"], int(configuration["port"])), 10))


def endless(configuration, state):
    """Reads whatever comes."""
    with socket.create_connection((configuration["host"], int(configuration["port"])), 10) as connection:
        while connection.recv(1 << 30):
            pass


def pouring(configuration, state):
    """Writes without end."""
    with socket.create_connection((configuration["host"], int(configuration["port"])), 10) as connection:
        data = bytes(64 * 1024 * 1024)
        while True:
            connection.sendall(data)


MODES = {
    mode.__name__: mode
    for mode in (
        postgres, psycopg, mysql, keys, queue, sql_server,
        sockets, tls, clear, injected, flood, endless, pouring,
    )
}  # fmt: skip
