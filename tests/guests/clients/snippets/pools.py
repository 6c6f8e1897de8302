"""`urllib3` by itself."""

from __future__ import annotations

import io
import json

import urllib3
from urllib3.util import Retry, Timeout

from snippets import fails, snippet


@snippet
def urllib3_pool(env):
    pool = urllib3.PoolManager()
    response = pool.request("GET", env.url + "/echo", fields={"a": "b"}, headers={"X": "y"})
    return [response.status, response.json(), response.version]


@snippet
def urllib3_post(env):
    pool = urllib3.PoolManager()
    return [
        pool.request("POST", env.url + "/echo", json={"a": 1}).json(),
        pool.request("POST", env.url + "/echo", body=iter([b"a", b"b"])).json(),
        pool.request("PUT", env.url + "/echo", fields={"a": "b"}, encode_multipart=False).json(),
    ]


@snippet
def urllib3_tls(env):
    return urllib3.PoolManager().request("GET", env.tls + "/echo").json()


@snippet
def urllib3_stream(env):
    response = urllib3.PoolManager().request("GET", env.url + "/big?kib=100", preload_content=False)
    sizes = [len(part) for part in response.stream(30_000)]
    response.release_conn()
    return sizes


@snippet
def urllib3_read_chunked(env):
    response = urllib3.PoolManager().request("GET", env.url + "/big-chunks", preload_content=False)
    return sum(len(part) for part in response.read_chunked())


@fails("urllib3.exceptions.MaxRetryError")
def urllib3_redirect_and_retry(env):
    pool = urllib3.PoolManager(retries=Retry(3, redirect=2))
    return pool.request("GET", env.url + "/redirect/3").status


@fails("urllib3.exceptions.ReadTimeoutError")
def urllib3_timeout(env):
    urllib3.PoolManager(retries=False).request(
        "GET", env.url + "/silent", timeout=Timeout(connect=5, read=0.1)
    )


@fails("urllib3.exceptions.NewConnectionError")
def urllib3_refused(env):
    urllib3.PoolManager(retries=False).request("GET", env.refused)


@snippet
def urllib3_reads_as_text_file(env):
    response = urllib3.PoolManager().request("GET", env.url + "/until-close", preload_content=False)
    response.auto_close = False
    return list(io.TextIOWrapper(response))


@snippet
def urllib3_at_the_top(env):
    answer = urllib3.request("POST", env.url + "/echo", json={"a": 1}, retries=2, timeout=5)
    return [answer.status, answer.json()["body"], answer.headers["content-type"], answer.data == answer.data]


@snippet
def urllib3_pool_of_a_host(env):
    with urllib3.HTTPConnectionPool(
        "127.0.0.1", env.port, maxsize=1, block=True, headers={"X-Pool": "1"}
    ) as pool:
        answers = [
            pool.urlopen("GET", "/echo"),
            pool.request("POST", "/echo", body="text"),
            pool.request("GET", "/redirect/1"),
        ]
        return [[json.loads(answer.data) for answer in answers], pool.num_connections, pool.num_requests]


@snippet
def urllib3_headers(env):
    headers = urllib3.HTTPHeaderDict({"X-A": "1"})
    headers.add("X-A", "2")
    answer = urllib3.PoolManager().request("GET", env.url + "/echo", headers=headers)
    made = urllib3.make_headers(basic_auth="a:b", user_agent="u", accept_encoding=True, keep_alive=True)
    return [
        answer.json()["headers"],
        urllib3.PoolManager().request("GET", env.url + "/echo", headers=made).json()["headers"][1:],
    ]


@snippet
def urllib3_partial_reads(env):
    answer = urllib3.PoolManager().request("GET", env.url + "/gzip-chunks", preload_content=False)
    sizes = [len(answer.read(10)), len(answer.read1(1000)) > 0, len(answer.read(100_000)) > 0]
    answer.drain_conn()
    answer.release_conn()
    return [*sizes, answer.closed]
