"""A local server with good and bad manners."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import ssl
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_UNCOMPARED = {"connection", "transfer-encoding", "content-length"}
_ADDED = ("accept", "*/*")
"""The host adds it to requests that have none."""


def _without_version(value: str) -> str:
    """The two sides run different versions of Python."""
    return re.sub(r"(Python(?:-urllib)?)/3\.\d+", r"\1", value)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, certificate: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hits: dict[str, int] = {}
        self.gate = threading.Event()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None: ...

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        self.body = self.read_body()
        name = "do_" + url.path.strip("/").split("/")[0].replace("-", "_") + "_page"
        getattr(self, name)()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(
        self, body: bytes = b"", status: int = 200, headers: list[tuple[str, str]] | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers or []:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def do_echo_page(self) -> None:
        shown = {
            "method": self.command,
            "path": self.path,
            "headers": sorted(
                [name.lower(), _without_version(value)]
                for name, value in self.headers.items()
                if name.lower() not in _UNCOMPARED and (name.lower(), value) != _ADDED
            ),
            "size": len(self.body),
            "sha": hashlib.sha256(self.body).hexdigest(),
            "body": self.body[:2000].decode("latin-1"),
        }
        self.reply(json.dumps(shown).encode(), headers=[("Content-Type", "application/json")])

    def do_status_page(self) -> None:
        self.reply(b"status body", int(self.path.rsplit("/", 1)[1]))

    def do_redirect_page(self) -> None:
        left = int(self.path.rsplit("/", 1)[1])
        target = f"/redirect/{left - 1}" if left > 1 else "/echo"
        self.reply(b"moved", 302, [("Location", target)])

    def do_see_other_page(self) -> None:
        self.reply(b"", 303, [("Location", "/echo")])

    def do_away_page(self) -> None:
        self.reply(b"", 302, [("Location", f"http://localhost:{self.server.port}/echo")])

    def do_gzip_page(self) -> None:
        self.reply(gzip.compress(b'{"packed": true}', mtime=0), headers=[("Content-Encoding", "gzip")])

    def do_deflate_page(self) -> None:
        self.reply(zlib.compress(b'{"packed": true}'), headers=[("Content-Encoding", "deflate")])

    def do_set_cookie_page(self) -> None:
        cookies = [("Set-Cookie", "first=1; Path=/"), ("Set-Cookie", "second=two; Path=/")]
        self.reply(b"", 302, [*cookies, ("Location", "/echo")])

    def do_basic_page(self) -> None:
        wanted = "Basic " + base64.b64encode(b"user:pass").decode()
        if self.headers.get("Authorization") == wanted:
            self.reply(b"in")
        else:
            self.reply(b"out", 401, [("WWW-Authenticate", 'Basic realm="r"')])

    def do_digest_page(self) -> None:
        given = self.headers.get("Authorization", "")
        if not given.startswith("Digest"):
            challenge = 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5'
            self.reply(b"out", 401, [("WWW-Authenticate", challenge)])
            return
        fields = {
            key.strip(): value.strip().strip('"')
            for key, value in (part.split("=", 1) for part in given[7:].split(","))
        }

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first, second = md5("user:r:pass"), md5(f"{self.command}:{self.path}")
        middle = ":".join((fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"]))
        good = fields["response"] == md5(f"{first}:{middle}:{second}")
        self.reply(b"in" if good else b"wrong", 200 if good else 403)

    def do_flaky_page(self) -> None:
        key = self.query["key"]
        self.server.hits[key] = count = self.server.hits.get(key, 0) + 1
        if count <= int(self.query["fail"]):
            self.reply(b"later", 503)
        else:
            self.reply(str(count).encode())

    def do_hits_page(self) -> None:
        self.reply(str(self.server.hits.get(self.query["key"], 0)).encode())

    def do_silent_page(self) -> None:
        self.server.hits["silent"] = self.server.hits.get("silent", 0) + 1
        self.connection.settimeout(5)
        self.rfile.read(1)

    def do_silent_body_page(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        self.connection.settimeout(5)
        self.rfile.read(1)

    def do_lines_page(self) -> None:
        """Lines, each after the client has asked for it at /next."""
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(4):
            line = b"line %d\n" % number
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.flush()
            if number < 3 and not self.server.gate.wait(5):
                return
            self.server.gate.clear()
        self.wfile.write(b"0\r\n\r\n")

    def do_next_page(self) -> None:
        self.server.gate.set()
        self.reply()

    def do_big_page(self) -> None:
        self.reply(bytes(range(256)) * (int(self.query["kib"]) * 4))

    def do_big_chunks_page(self) -> None:
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for size in (1, 100, 70_000, 300_000, 7):
            self.wfile.write(b"%x\r\n%b\r\n" % (size, b"x" * size))
        self.wfile.write(b"0\r\n\r\n")

    def do_truncated_page(self) -> None:
        """Half of a body."""
        length = int(self.query.get("kib", 0)) * 1024 or 100
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + b"x" * (length // 2))

    def do_truncated_chunks_page(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    def do_until_close_page(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end\nof it")

    def do_drop_page(self) -> None:
        self.server.hits["drop"] = self.server.hits.get("drop", 0) + 1
        self.close_connection = True

    def do_garbage_page(self) -> None:
        self.raw(b"this is not http at all\r\n\r\n")

    def do_latin_page(self) -> None:
        self.raw(b"HTTP/1.1 200 Tr\xe8s bien\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nok")

    def do_twice_page(self) -> None:
        head = b'X-Two: a\r\nx-two: b\r\nLink: </a>; rel=next\r\nETag: "1"\r\nContent-Length: 2\r\n'
        self.raw(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok")

    def do_same_page(self) -> None:
        head = b'X-Two: a\r\nX-Two: b\r\nLink: </a>; rel=next\r\nETag: "1"\r\nContent-Length: 2\r\n'
        self.raw(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok")

    def do_interim_page(self) -> None:
        self.raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def do_charset_page(self) -> None:
        self.reply("ключ".encode("koi8-r"), headers=[("Content-Type", "text/plain; charset=koi8-r")])

    def do_to_page(self) -> None:
        self.reply(b"moved", int(self.query.get("status", 302)), [("Location", self.query["url"])])

    def do_loop_page(self) -> None:
        self.reply(b"", 302, [("Location", "/loop")])

    def do_bad_gzip_page(self) -> None:
        self.reply(b"this was never packed", headers=[("Content-Encoding", "gzip")])

    def do_gzip_chunks_page(self) -> None:
        packed = gzip.compress(b"packed and cut " * 5000, mtime=0)
        self.raw(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
            b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"".join(
                b"%x\r\n%b\r\n" % (len(part), part)
                for at in range(0, len(packed), 100)
                if (part := packed[at : at + 100])
            )
            + b"0\r\n\r\n"
        )

    def do_chunk_extension_page(self) -> None:
        self.raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n"
        )

    def do_lengths_page(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello")

    def do_events_page(self) -> None:
        events = b": hello\n\nevent: first\ndata: 1\n\ndata: 2\ndata: 3\n\n"
        self.reply(events, headers=[("Content-Type", "text/event-stream")])

    def do_text_page(self) -> None:
        """The bytes and type that the query names."""
        kind = self.query.get("type")
        self.reply(bytes.fromhex(self.query.get("hex", "")), headers=[("Content-Type", kind)] if kind else [])

    def do_later_page(self) -> None:
        """Once 429 with `Retry-After: 0`, then the count."""
        key = self.query["key"]
        self.server.hits[key] = count = self.server.hits.get(key, 0) + 1
        if count == 1:
            self.reply(b"wait", 429, [("Retry-After", "0")])
        else:
            self.reply(str(count).encode())

    def do_cookies_page(self) -> None:
        names = [("Set-Cookie", f"{name}=v; Path=/; HttpOnly") for name in ("a", "b")]
        self.reply(self.headers.get("Cookie", "none").encode(), headers=names)

    def do_bucket_page(self) -> None:
        """As much of S3 as the tests need."""
        key = urlsplit(self.path).path.removeprefix("/bucket").lstrip("/")
        kind = ("Content-Type", "application/xml")
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"):
            self.reply(b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403, [kind])
        elif self.command == "PUT":
            self.reply(headers=[("ETag", f'"{hashlib.md5(self.body).hexdigest()}"')])
        elif key == "object":
            body, status = b"line one\nline two\n", 200
            ranged = self.headers.get("Range", "")
            if ranged.startswith("bytes="):
                first, last = ranged[6:].split("-")
                body, status = body[int(first) : int(last) + 1], 206
            self.reply(body, status, [("ETag", '"e"'), ("x-amz-meta-owner", "ada")])
        elif key == "slow":
            self.do_silent_page()
        elif key:
            self.reply(b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>", 404, [kind])
        else:
            second = "continuation-token" in self.query
            more = "" if second else "<NextContinuationToken>next</NextContinuationToken>"
            page = (
                f"<ListBucketResult><IsTruncated>{str(not second).lower()}</IsTruncated>{more}"
                f"<Contents><Key>{'b' if second else 'a'}</Key><Size>4</Size></Contents></ListBucketResult>"
            )
            self.reply(page.encode(), headers=[kind])

    def do_slowly_page(self) -> None:
        time.sleep(0.05)
        self.reply(b"slow")
