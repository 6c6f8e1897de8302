"""Servers that echo, and as much of MongoDB as a driver's `find` takes: ``stream_server.py CERTIFICATE KEY``.

It prints their ports as JSON, and serves until its input ends. Nothing listens but on loopback.
"""

import json
import socketserver
import ssl
import struct
import sys
import threading

import bson

TOGETHER = 8
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
ORDERS = [
    {"_id": number, "customer": f"customer {number}", "paid": number % 2 == 0} for number in range(1, 251)
]


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes; a line `late` only when so many have come at the same time."""

    late = threading.Barrier(TOGETHER, timeout=60)

    def handle(self):
        self.echo(self.request)

    def echo(self, sock):
        while data := sock.recv(65536):
            if data.startswith(b"late"):
                self.late.wait()
            sock.sendall(data)


class Upgrading(Echo):
    """The same over TLS, which a line asks for."""

    def handle(self):
        if self.request.recv(9) == b"STARTTLS\n":
            self.request.sendall(b"READY\n")
            with self.server.context.wrap_socket(self.request, server_side=True) as secure:
                self.echo(secure)


class Secure(Echo):
    """The same over TLS from the start."""

    def handle(self):
        with self.server.context.wrap_socket(self.request, server_side=True) as secure:
            self.echo(secure)


class Mongo(socketserver.BaseRequestHandler):
    """Knows one collection, and gives it 100 documents at a time."""

    def handle(self):
        if self.server.tls:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        while (head := self.read(16)) is not None:
            size, request, _, kind = struct.unpack("<iiii", head)
            body = self.read(size - 16)
            if kind == OP_QUERY:
                start = body.index(b"\0", 4) + 1 + 8
                answer = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(
                    self.answer(bson.decode(body[start:]))
                )
                self.reply(request, OP_REPLY, answer)
            else:
                command = bson.decode(body[5:])
                if "maxAwaitTimeMS" in command and "find" not in command and "getMore" not in command:
                    self.server.held.wait()
                    return
                self.reply(request, OP_MSG, struct.pack("<IB", 0, 0) + bson.encode(self.answer(command)))

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.request.recv(size - len(data))
            if not piece:
                return None
            data += piece
        return data

    def reply(self, request, kind, body):
        self.request.sendall(struct.pack("<iiii", 16 + len(body), 0, request, kind) + body)

    def answer(self, command):
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {
                "ismaster": True,
                "isWritablePrimary": True,
                "helloOk": True,
                "topologyVersion": {"processId": bson.ObjectId("0" * 24), "counter": bson.Int64(0)},
                "maxBsonObjectSize": 16 << 20,
                "maxMessageSizeBytes": 48 << 20,
                "maxWriteBatchSize": 100_000,
                "logicalSessionTimeoutMinutes": 30,
                "minWireVersion": 0,
                "maxWireVersion": 21,
                "readOnly": False,
                "ok": 1.0,
            }
        if name == "find":
            return self.batch("firstBatch", 0, command)
        if name == "getMore":
            return self.batch("nextBatch", command["getMore"], command)
        if name in ("endSessions", "killCursors", "ping"):
            return {"ok": 1.0}
        return {"ok": 0.0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"no such command: '{name}'"}

    def batch(self, name, after, command):
        rows = ORDERS[after : after + 100]
        more = after + 100 if after + 100 < len(ORDERS) else 0
        namespace = f"{command['$db']}.orders"
        return {"cursor": {"id": bson.Int64(more), "ns": namespace, name: rows}, "ok": 1.0}


class Server(socketserver.ThreadingTCPServer):
    """One of them."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that goes away is part of the tests."""


def serve(handler, context, tls=False):
    server = Server(("127.0.0.1", 0), handler)
    server.context, server.tls, server.held = context, tls, threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    ports = {
        "echo": serve(Echo, context),
        "echo_tls": serve(Secure, context),
        "upgrading": serve(Upgrading, context),
        "mongo": serve(Mongo, context),
        "mongo_tls": serve(Mongo, context, tls=True),
    }
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
