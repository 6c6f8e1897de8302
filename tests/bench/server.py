"""The server of ``measure_http.py``: canned answers, so that the clients are what is measured.

Prints two ports, without and with TLS. A page is ``/page/N``; ``/slow/N`` is the same page 20 ms later,
``/rows/N`` a page of 1,000 rows, and ``/body/MIB`` that many MiB. The system sends a body from a file, as web
servers let it: copied by this program it would cost as much as the clients, and with two processors the
server would be measured.
"""

import asyncio
import json
import ssl
import sys
import tempfile

LATENCY = 0.02
PAGE_ROWS = 1000
MIB = 1 << 20
PIECES = 16
HEAD = (
    "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    "Cache-Control: no-cache\r\nX-Request-Id: 0123456789\r\nContent-Length: {}\r\n\r\n"
)


def answer(body: bytes) -> bytes:
    return HEAD.format(len(body)).encode() + body


def rows(page: int) -> bytes:
    first = page * PAGE_ROWS
    return json.dumps(
        {
            "data": [
                {
                    "id": number,
                    "name": f"item number {number}",
                    "score": number * 0.5,
                    "active": number % 2 == 0,
                    "created_at": f"2024-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
                }
                for number in range(first, first + PAGE_ROWS)
            ]
        }
    ).encode()


SMALL = answer(
    json.dumps({"data": [{"id": n, "name": f"name {n}"} for n in range(10)], "next": "abc"}).encode()
)
ROWS = [answer(rows(page)) for page in range(100)]


BODY = tempfile.TemporaryFile()  # noqa: SIM115
BODY.write(b"x" * (PIECES * MIB))
BODY.flush()


class Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            _, kind, what = self.received.split(b" ", 2)[1].split(b"/", 2)
            self.received = self.received[end + 4 :]
            if kind == b"page":
                self.transport.write(SMALL)
            elif kind == b"slow":
                asyncio.get_running_loop().call_later(LATENCY, self.transport.write, SMALL)
            elif kind == b"rows":
                self.transport.write(ROWS[int(what) % len(ROWS)])
            else:
                self.sending = asyncio.ensure_future(self.send_body(int(what)))

    async def send_body(self, left: int) -> None:
        self.transport.write(HEAD.format(left * MIB).encode())
        loop = asyncio.get_running_loop()
        for sent in range(0, left, PIECES):
            await loop.sendfile(self.transport, BODY, 0, min(PIECES, left - sent) * MIB)


async def main(certificate: str) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    servers = [await loop.create_server(Server, "127.0.0.1", 0, ssl=tls) for tls in (None, context)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
