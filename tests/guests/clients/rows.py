"""Rows of databases as the SDK reads them in C, and as the driver alone reads them."""

import contextlib

from fivetran_connector_sdk import Operations as op

_POSTGRES = """
    SELECT n AS id, n::int2, n - 5::int8, (n % 2 = 0)::bool, n / 7.0::numeric, (n / 7.0)::float8,
        (n / 3.0)::float4, repeat('é🐍', n % 4) AS text, nullif(n % 3, 0) AS hole, date '2024-02-29' + n,
        timestamp '2024-01-31 23:59:59' + n * interval '1 hour 1.0005 second', time '12:30:00',
        timestamptz '2024-01-31 23:59:59+00' + n * interval '1 day 0.25 second', interval '1 day 2 hours',
        decode(md5(n::text), 'hex'), array[n, n + 1], json_build_object('n', n)
    FROM generate_series(1, 3000) AS n
"""
_UNUSUAL_POSTGRES = """
    SELECT 9223372036854775807::int8, (-9223372036854775808)::int8, 'NaN'::float8, '-Infinity'::float8,
        1e300::float8, 5e-324::float8, 'NaN'::numeric, -0.00::numeric, ''::text, '{}'::int[], null::int,
        12345678901234567890123456789012345678.5::numeric, 'infinity'::timestamp, '-infinity'::timestamptz,
        '0044-03-15 01:02:03 BC'::timestamp, '12024-01-01 00:00:00'::timestamp, '0044-03-15 BC'::date,
        '12024-01-01'::date, 'x'::"char"
"""


def _refuses(text):
    if text == "77":
        raise ValueError("seventy-seven")
    return text


def _read(cursor, query, reads):
    """The rows, or the error, each by its repr; and how often the driver itself read of its connection."""
    before = len(reads)
    try:
        cursor.execute(query)
        found = [repr(row) for row in cursor.fetchall()]
    except Exception as error:
        found = repr(error)
    return found, len(reads) - before


def _compare(name, fast, alone):
    (found, reads), (expected, more_reads) = fast, alone
    what = f"{len(found)} rows" if isinstance(found, list) else found.partition("(")[0]
    same = (
        found == expected or [pair for pair in zip(found, expected, strict=False) if len(set(pair)) > 1][:1]
    )
    op.upsert("outcomes", {"name": name, "value": f"{'same' if same is True else same}, {what}"})
    op.upsert("outcomes", {"name": f"{name} reads", "value": f"{reads} {more_reads}"})


def postgres_rows(configuration, state):
    import pg8000.core
    import pg8000.dbapi

    reads, read = [], pg8000.core._read
    pg8000.core._read = lambda sock, size: reads.append(size) or read(sock, size)

    def rows(query, prepare, is_alone):
        host, port = configuration["host"], int(configuration["port"])
        connection = pg8000.dbapi.connect("postgres", host=host, port=port, ssl_context=False)
        if is_alone:
            handle = connection.handle_DATA_ROW
            connection.message_types[pg8000.core.DATA_ROW] = lambda *message: handle(*message)
        prepare(connection)
        found = _read(connection.cursor(), query, reads)
        # after an error of its own the driver is out of step
        with contextlib.suppress(Exception):
            connection.close()
        return found

    def compare(name, query, prepare=lambda connection: None):
        _compare(name, rows(query, prepare, False), rows(query, prepare, True))

    def setting(text):
        return lambda connection: connection.cursor().execute(f"SET {text}")

    compare("usual", _POSTGRES)
    compare("unusual", _UNUSUAL_POSTGRES)
    compare("zone", _POSTGRES, setting("TimeZone TO 'Asia/Kolkata'"))
    compare(
        "encoding",
        "SELECT 'é' || n FROM generate_series(1, 200) AS n",
        setting("client_encoding TO 'LATIN1'"),
    )
    compare("long", "SELECT n, repeat('x', n * 40000) FROM generate_series(1, 5) AS n")
    compare("none", "SELECT 1 WHERE false")
    compare("no columns", "SELECT FROM generate_series(1, 3)")
    numbers = "SELECT n FROM generate_series(70, 80) AS n"
    compare("adapter", numbers, lambda connection: connection.register_in_adapter(23, _refuses))


def mysql_rows(configuration, state):
    import pymysql.connections
    import pymysql.converters

    reads, read = [], pymysql.connections.Connection._read_bytes

    def counted(connection, size):
        reads.append(size)
        return read(connection, size)

    pymysql.connections.Connection._read_bytes = counted

    class Alone(pymysql.connections.Connection):
        def _read_packet(self, *arguments):
            return super()._read_packet(*arguments)

    def rows(kind, query, settings):
        host, port = configuration["host"], int(configuration["port"])
        connection = kind(host=host, port=port, user="someone", **settings)
        with connection, connection.cursor() as cursor:
            return _read(cursor, query, reads)

    def compare(name, query, **settings):
        _compare(name, rows(pymysql.connections.Connection, query, settings), rows(Alone, query, settings))

    compare("usual", "SELECT * FROM kinds")
    compare("bytes", "SELECT * FROM kinds", use_unicode=False)
    compare("encoding", "SELECT id, name FROM words", charset="latin1")
    conversions = pymysql.converters.conversions
    compare("adapter", "SELECT n FROM numbers", conv=conversions | {3: _refuses, 8: _refuses})
    compare("error", "SELECT * FROM nowhere")


MODES = {mode.__name__: mode for mode in (postgres_rows, mysql_rows)}
