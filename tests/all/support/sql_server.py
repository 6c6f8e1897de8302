"""As much of SQL Server as a login and one query take, in its protocol, TDS 7.4.

TLS is where a server has it: the handshake in packets of kind 0x12, then TLS by itself. What a client says is
checked on the way, and whatever is wrong ends the connection.
"""

import ssl
import struct

PRELOGIN, ANSWER, LOGIN, QUERY, CANCEL, TRANSACTION = 0x12, 4, 0x10, 1, 6, 14
ON, NOT_SUPPORTED = 1, 2
VERSION, ENCRYPTION, END = 0, 1, 255
PEOPLE = [(1, "Ada"), (2, "Bjørn \U0001f40d")]
MANY = 3000


class Wrong(OSError):
    """Not what the protocol wants."""


def packets(kind, content, longest=4096):
    """A message."""
    pieces = [content[at : at + longest - 8] for at in range(0, len(content), longest - 8)]
    made = b""
    for number, piece in enumerate(pieces, 1):
        made += struct.pack(">BBHHBB", kind, number == len(pieces), len(piece) + 8, 0, number % 256, 0)
        made += piece
    return made


class Connection:
    """One connection: messages in packets, at first in the clear."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.session = None
        self.arrived = b""

    async def read(self, size):
        while len(self.arrived) < size:
            piece = await self.reader.read(65536)
            if not piece:
                raise Wrong("the end")
            self.arrived += piece if self.session is None else self.decrypted(piece)
        taken, self.arrived = self.arrived[:size], self.arrived[size:]
        return taken

    def decrypted(self, piece):
        self.incoming.write(piece)
        found = b""
        while True:
            try:
                more = self.session.read(65536)
            except ssl.SSLWantReadError:
                return found
            if not more:
                return found
            found += more

    async def message(self, kind):
        """The content of the next message."""
        content, last = b"", 0
        while not last & 1:
            found, last, length, _, _, _ = struct.unpack(">BBHHBB", await self.read(8))
            if found != kind or length < 8:
                raise Wrong(f"a packet of kind {found} where one of {kind} was due")
            content += await self.read(length - 8)
        return content

    async def next(self):
        """Kind and content of the next message."""
        first = await self.read(1)
        self.arrived = first + self.arrived
        return first[0], await self.message(first[0])

    async def send(self, kind, content, longest=4096):
        message = packets(kind, content, longest)
        if self.session is not None:
            self.session.write(message)
            message = self.outgoing.read()
        self.writer.write(message)
        await self.writer.drain()

    async def begin_tls(self, context):
        if self.arrived:
            raise Wrong("more than a message before TLS")
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.handshake_packets()
                self.incoming.write(await self.message(PRELOGIN))
        await self.handshake_packets()
        self.session = session

    async def handshake_packets(self):
        flight = self.outgoing.read()
        if flight:
            # less than a packet may be, so that there are several
            await self.send(PRELOGIN, flight, longest=512)


def encryption(prelogin):
    """What a PRELOGIN says of encryption; the table must be whole."""
    found, at = {}, 0
    while prelogin[at] != END:
        token, offset, length = struct.unpack_from(">BHH", prelogin, at)
        found[token] = prelogin[offset : offset + length]
        if len(found[token]) != length:
            raise Wrong("an option beyond the end")
        at += 5
    if len(found[VERSION]) != 6 or len(found[ENCRYPTION]) != 1:
        raise Wrong("an option of another length")
    return found[ENCRYPTION][0]


def prelogin(encrypts):
    options = {VERSION: bytes((16, 0, 0, 0, 0, 0)), ENCRYPTION: bytes((encrypts,))}
    table, values = b"", b""
    for token, value in options.items():
        table += struct.pack(">BHH", token, 5 * len(options) + 1 + len(values), len(value))
        values += value
    return table + bytes((END,)) + values


def credentials(login):
    """User and password of a LOGIN7."""

    def text(at):
        offset, length = struct.unpack_from("<HH", login, at)
        return login[offset : offset + 2 * length]

    password = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in text(44))
    return text(40).decode("utf-16-le"), password.decode("utf-16-le")


def short(text):
    """Text with its length in a byte."""
    return bytes((len(text.encode("utf-16-le")) // 2,)) + text.encode("utf-16-le")


def token(kind, content):
    return struct.pack("<BH", kind, len(content)) + content


def done(status=0, rows=0):
    return struct.pack("<BHHQ", 0xFD, status, 0, rows)


def refusal(number, text):
    length = struct.pack("<H", len(text))
    content = struct.pack("<IBB", number, 1, 14) + length + text.encode("utf-16-le") + short("") + short("")
    return token(0xAA, content + struct.pack("<I", 1)) + done(2)


def welcome():
    version, product = struct.pack(">BI", 1, 0x74000004), short("Microsoft SQL Server")
    return token(0xAD, version + product + bytes((16, 0, 0, 0))) + done()


def transaction(request):
    """The change that a request to begin or end a transaction makes."""
    begins = struct.unpack_from("<H", request, 22)[0] == 5
    number = bytes((8,)) + bytes(range(1, 9))
    change = bytes((8,)) + number + b"\0" if begins else bytes((9, 0)) + number
    return token(0xE3, change) + done()


def rows(found):
    """Two columns: a number, and text."""
    number = struct.pack("<IHBB", 0, 1, 0x26, 4) + short("id")
    name = struct.pack("<IHBH", 0, 1, 0xE7, 200) + bytes((9, 4, 0xD0, 0, 0x34)) + short("name")
    answer = struct.pack("<BH", 0x81, 2) + number + name
    for value, text in found:
        encoded = text.encode("utf-16-le")
        answer += struct.pack("<BBIH", 0xD1, 4, value, len(encoded)) + encoded
    return answer + done(0x10, len(found))


def query(statement, session):
    if statement == "SELECT id, name FROM people":
        return rows(PEOPLE)
    if statement == "SELECT id, name FROM many":
        return rows([(number, f"number {number}") for number in range(MANY)])
    if statement == "SELECT encryption":
        return rows([(0, "none" if session is None else session.version())])
    return refusal(208, "Invalid object name.")


def serving(context, *, encrypts=True, early=b""):
    """A server; without `encrypts` it says that it cannot, and with `early` it sends that before TLS."""

    async def handle(reader, writer):
        connection = Connection(reader, writer)
        asked = encryption(await connection.message(PRELOGIN))
        begins = encrypts and asked != NOT_SUPPORTED
        connection.writer.write(packets(ANSWER, prelogin(ON if begins else NOT_SUPPORTED)) + early)
        if begins:
            await connection.begin_tls(context)
        if credentials(await connection.message(LOGIN)) != ("sa", "hunter2"):
            await connection.send(ANSWER, refusal(18456, "Login failed."))
            return
        await connection.send(ANSWER, welcome())
        while True:
            kind, content = await connection.next()
            if kind == TRANSACTION:
                await connection.send(ANSWER, transaction(content))
            elif kind == QUERY:
                statement = content[22:].decode("utf-16-le")
                await connection.send(ANSWER, query(statement, connection.session))
            elif kind == CANCEL:
                await connection.send(ANSWER, done(0x20))
            else:
                raise Wrong(f"a message of kind {kind}")

    return handle
