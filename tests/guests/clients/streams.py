"""Connections of asyncio: streams, sockets of the loop, and drivers over them."""

import asyncio
import socket
import ssl

from fivetran_connector_sdk import Operations as op


def _land(name, value):
    op.upsert("outcomes", {"name": name, "value": str(value)})


async def _echo(reader, writer, data):
    writer.write(data)
    await writer.drain()
    return await reader.readexactly(len(data))


async def _fails(awaitable):
    try:
        await awaitable
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def plain(configuration, state):
    asyncio.run(_plain(configuration["host"], int(configuration["port"])))


async def _plain(host, port):
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(host, port)
    _land("line", (await _echo(reader, writer, b"first\nsecond\n")).decode().replace("\n", "|"))
    large = bytes(range(256)) * 12_000
    _land("large", await _echo(reader, writer, large) == large)
    _land("peer", writer.get_extra_info("peername")[1] == port)
    # nothing comes: the timer does, and the connection goes on
    _land("timeout", await _fails(asyncio.wait_for(reader.read(1), 0.05)))
    _land("after", (await _echo(reader, writer, b"still")).decode())
    writer.write_eof()
    _land("end", await reader.read())
    writer.close()
    await writer.wait_closed()

    # the server answers none of them before it has all
    async def late(number):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"late %d\n" % number)
        line = await reader.readline()
        writer.close()
        return line.decode().strip()

    answers = await asyncio.gather(*(late(number) for number in range(8)))
    _land("together", f"{answers[0]} {answers[7]}")

    class Protocol(asyncio.Protocol):
        def __init__(self):
            self.data = b""
            self.lost = loop.create_future()

        def connection_made(self, transport):
            transport.write(b"by ")
            transport.writelines([b"pro", b"tocol"])
            transport.write_eof()

        def data_received(self, data):
            self.data += data

        def connection_lost(self, exc):
            self.lost.set_result(exc)

    _, protocol = await loop.create_connection(Protocol, host, port)
    _land("protocol", f"{await protocol.lost} {protocol.data.decode()}")

    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (host, port))
        await loop.sock_sendall(sock, b"by the loop")
        _land("sock", (await loop.sock_recv(sock, 100)).decode())
        heard = loop.create_future()
        loop.add_reader(sock, lambda: heard.done() or heard.set_result(sock.recv(100)))
        await loop.sock_sendall(sock, b"heard")
        _land("reader", (await heard).decode())
        _land("removed", loop.remove_reader(sock))

    _land("lookup", (await loop.getaddrinfo(host, port))[0][4][1] == port)
    _land("denied", await _fails(asyncio.open_connection(host, 1)))
    _land("nothing", await _fails(asyncio.open_connection("other.example.com", port)))

    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(b"to itself\n")
    _land("own", (await reader.read()).decode().strip())
    server.close()


def secure(configuration, state):
    asyncio.run(_secure(configuration["host"], int(configuration["port"]), int(configuration["upgrading"])))


async def _secure(host, port, upgrading):
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    _land("secure", (await _echo(reader, writer, b"encrypted")).decode())
    found = writer.get_extra_info("ssl_object")
    _land("version", found.version())
    _land("alpn", found.selected_alpn_protocol())
    _land("name", writer.get_extra_info("peercert")["subject"][0][0][1])
    writer.close()
    await writer.wait_closed()

    reader, writer = await asyncio.open_connection(host, port, ssl=True)
    _land("default", (await _echo(reader, writer, b"too")).decode())
    writer.close()
    _land("another", await _fails(asyncio.open_connection(host, port, ssl=True, server_hostname="other")))

    reader, writer = await asyncio.open_connection(host, upgrading)
    writer.write(b"STARTTLS\n")
    _land("ready", (await reader.readline()).decode().strip())
    await writer.start_tls(context, server_hostname=host)
    _land("upgraded", (await _echo(reader, writer, b"from here on")).decode())
    writer.close()

    # as drivers do that keep the socket and let go of its first transport
    reader, writer = await asyncio.open_connection(host, upgrading)
    writer.write(b"STARTTLS\n")
    await reader.readline()
    writer.transport.pause_reading()
    sock = writer.transport.get_extra_info("socket").dup()
    writer.close()
    reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=host)
    _land("duplicated", (await _echo(reader, writer, b"on the other")).decode())
    writer.close()


def keys(configuration, state):
    asyncio.run(_keys(configuration))


async def _keys(configuration):
    import redis.asyncio

    scheme = "rediss" if configuration["tls"] == "yes" else "redis"
    client = redis.asyncio.from_url(f"{scheme}://{configuration['host']}:{configuration['port']}")
    await client.hset("order", mapping={"id": 7, "name": "seven"})
    _land("hash", sorted((await client.hgetall("order")).items()))
    async with client.pipeline() as pipeline:
        for number in range(100):
            pipeline.set(f"key:{number}", number)
        _land("pipeline", sum(await pipeline.execute()))
    values = await asyncio.gather(*(client.get(f"key:{number}") for number in range(20)))
    _land("gathered", sum(map(int, values)))
    _land("scan", len([key async for key in client.scan_iter("key:*")]))
    await client.aclose()


def sql(configuration, state):
    asyncio.run(_sql(configuration))


async def _sql(configuration):
    import aiomysql

    context = ssl.create_default_context() if configuration["tls"] == "yes" else None
    where = {"host": configuration["host"], "port": int(configuration["port"])}
    pool = await aiomysql.create_pool(**where, user="me", password="", db="x", ssl=context)
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT id, name FROM people")
        for number, name in await cursor.fetchall():
            _land(f"row {number}", name)
    pool.close()
    await pool.wait_closed()


MODES = {"async_plain": plain, "async_secure": secure, "async_keys": keys, "async_sql": sql}
