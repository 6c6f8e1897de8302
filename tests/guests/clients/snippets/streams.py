"""Bodies that `requests` hands on in pieces."""

from __future__ import annotations

import io
import zlib

import requests

from snippets import fails, kinds, shown, snippet


@snippet
def until_close(env):
    return [
        shown(requests.get(env.url + "/until-close")),
        dict(requests.get(env.url + "/until-close").headers),
    ]


@snippet
def iter_content(env):
    sizes = (1000, 65536, 200_000, 2_000_000)
    got = []
    for size in sizes:
        parts = list(requests.get(env.url + "/big?kib=1500", stream=True).iter_content(size))
        got.append([len(parts), sum(map(len, parts)), zlib.crc32(b"".join(parts))])
    return got


def cut_off_in_the_middle(env, size):
    got, answer = 0, requests.get(env.url + "/truncated?kib=600", stream=True)
    try:
        for part in answer.iter_content(size):
            got += len(part)
    except requests.exceptions.ChunkedEncodingError as error:
        cause = error.args[0]
        return [got, type(cause).__name__, cause.args[1].args, answer.raw.tell(), answer.raw.length_remaining]


@snippet
def iter_content_cut_off_in_the_middle(env):
    return cut_off_in_the_middle(env, 10_000)


@snippet
def iter_content_of_large_pieces_cut_off_in_the_middle(env):
    return [cut_off_in_the_middle(env, size) for size in (65_536, 100_000, 1_000_000)]


def beside_other_reads(env, piece):
    got = []
    with requests.get(env.url + "/big?kib=700", stream=True) as answer:
        parts = answer.iter_content(piece)
        for size in (0, 5, 40_000, 1):
            part = next(parts)
            got.append([len(part), part[:3].hex(), answer.raw.tell(), answer.raw.length_remaining])
            read = answer.raw.read(size)
            got.append([len(read), read[:3].hex(), answer.raw.tell()])
        rest = b"".join(parts)
    return [got, len(rest), rest[:3].hex(), rest[-3:].hex(), zlib.crc32(rest)]


@snippet
def iter_content_beside_other_reads(env):
    return beside_other_reads(env, 30_000)


@snippet
def iter_content_of_large_pieces_beside_other_reads(env):
    return [beside_other_reads(env, size) for size in (65_536, 100_001)]


def closed_in_the_middle(env, size):
    answer = requests.get(env.url + "/big?kib=700", stream=True)
    got = []
    for part in answer.iter_content(size):
        got.append(len(part))
        if len(got) == 3:
            answer.close()
    return [got, answer.raw.closed]


@snippet
def iter_content_closed_in_the_middle(env):
    return closed_in_the_middle(env, 30_000)


@snippet
def iter_content_of_large_pieces_closed_in_the_middle(env):
    return [closed_in_the_middle(env, size) for size in (65_536, 100_000)]


@snippet
def iter_content_says_how_far_it_is(env):
    with requests.get(env.url + "/big?kib=1000", stream=True) as answer:
        return [
            [len(part), answer.raw.tell(), answer.raw.length_remaining]
            for part in answer.iter_content(99_999)
        ]


@snippet
def iter_content_ends_with_the_exchange(env):
    answer = requests.get(env.url + "/big?kib=700", stream=True)
    got = [len(next(answer.iter_content(65_536)))]
    answer.raw._fp.close()
    return [*got, *kinds(lambda: list(answer.raw.stream(65_536)))]


@snippet
def big_content(env):
    content = requests.get(env.url + "/big?kib=3000").content
    return [len(content), content == bytes(range(256)) * 12000]


@snippet
def big_chunked_content(env):
    response = requests.get(env.url + "/big-chunks")
    return [len(response.content), response.headers["transfer-encoding"]]


@snippet
def iter_content_of_chunks(env):
    parts = list(requests.get(env.url + "/big-chunks", stream=True).iter_content(1 << 20))
    return sum(map(len, parts))


@snippet
def iter_lines_as_they_arrive(env):
    got = []
    with requests.get(env.url + "/lines", stream=True, timeout=5) as response:
        for line in response.iter_lines():
            got.append(line.decode())
            if len(got) < 4:
                requests.get(env.url + "/next")
    return got


@snippet
def iter_lines_with_length(env):
    return sum(1 for _ in requests.get(env.url + "/big?kib=20", stream=True).iter_lines(chunk_size=500))


@snippet
def raw_read_and_early_close(env):
    made = requests.Session()
    with made.get(env.url + "/big?kib=3000", stream=True) as response:
        first = response.raw.read(10).hex()
    return [first, made.get(env.url + "/echo").status_code]


@snippet
def stream_headers_first(env):
    with requests.get(env.url + "/silent-body", stream=True) as response:
        return [response.status_code, response.raw.read(4).decode()]


@snippet
def server_sent_events(env):
    with requests.get(env.url + "/events", stream=True, headers={"Accept": "text/event-stream"}) as answer:
        return [answer.encoding, list(answer.iter_lines(decode_unicode=True)), answer.headers["content-type"]]


@snippet
def lines_with_a_delimiter(env):
    body = b"a;b\r\nc;;d".hex()
    with requests.get(env.url + "/text", params={"hex": body}, stream=True) as answer:
        return [part.decode() for part in answer.iter_lines(chunk_size=2, delimiter=b";")]


@snippet
def text_in_pieces(env):
    body = ("grüße " * 100).encode()
    answer = requests.get(
        env.url + "/text", params={"hex": body.hex(), "type": "text/plain; charset=utf-8"}, stream=True
    )
    return "".join(answer.iter_content(7, decode_unicode=True)) == body.decode()


@snippet
def content_comes_once(env):
    answer = requests.get(env.url + "/echo", stream=True)
    first = next(answer.iter_content(5)).decode()
    return [
        first,
        *kinds(
            lambda: answer.content,
            lambda: list(answer.iter_content(5)),
            lambda: list(answer.iter_content("x")),
        ),
    ]


@snippet
def content_can_be_read_again(env):
    answer = requests.get(env.url + "/echo")
    return [
        answer.content == answer.content,
        b"".join(answer.iter_content(10)) == answer.content,
        answer.raw.read().decode(),
    ]


@snippet
def raw_can_be_unpacked(env):
    answer = requests.get(env.url + "/gzip-chunks", stream=True)
    answer.raw.decode_content = True
    return len(io.BytesIO(answer.raw.read()).getvalue())


@snippet
def packed_chunks_in_pieces(env):
    return sum(map(len, requests.get(env.url + "/gzip-chunks", stream=True).iter_content(1000)))


@fails("requests.exceptions.ContentDecodingError")
def packed_badly(env):
    requests.get(env.url + "/bad-gzip")


@snippet
def one_connection_for_two_streams(env):
    with requests.Session() as made:
        first = made.get(env.url + "/big?kib=500", stream=True)
        second = made.get(env.url + "/big?kib=300", stream=True)
        sizes = [len(first.raw.read(1000)), len(second.content), len(first.raw.read())]
        return [*sizes, made.get(env.url + "/echo").status_code]
