"""What connectors do with httpx, aiohttp and botocore."""

import asyncio
import io

import aiohttp
import boto3
import botocore.exceptions
import httpx
from botocore.config import Config

from snippets import SNIPPETS, kinds, snippet


def on_both(function):
    """A snippet of httpx, sync and async: `function` gets an awaitable client."""

    @snippet
    def both(env):
        return asyncio.run(twice(env))

    async def twice(env):
        with httpx.Client(timeout=5) as client:
            first = await function(env, Sync(client))
        async with httpx.AsyncClient(timeout=5) as client:
            second = await function(env, client)
        return [first, first == second]

    SNIPPETS[f"httpx_{function.__name__}"] = SNIPPETS.pop("both")
    return function


class Sync:
    """A sync client whose methods can be awaited."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        found = getattr(self.client, name)

        async def call(*args, **kwargs):
            return found(*args, **kwargs)

        return call if callable(found) else found


async def error_of(awaitable):
    try:
        return repr(await awaitable)
    except Exception as error:
        return [
            f"{type(error).__module__}.{type(error).__name__}",
            [kind.__name__ for kind in type(error).__mro__[1:-3]],
        ]


@on_both
async def gets(env, client):
    answer = await client.get(env.url + "/echo", params={"a": ["1", "2"], "b": "ü"}, headers={"X-A": "b"})
    fields = answer.json()
    fields["headers"] = [pair for pair in fields["headers"] if pair[0] in ("x-a", "accept")]
    return [
        answer.status_code,
        answer.reason_phrase,
        answer.http_version,
        fields,
        answer.is_success,
        answer.encoding,
    ]


@on_both
async def bodies(env, client):
    answers = [
        await client.post(env.url + "/echo", json={"a": 1}),
        await client.post(env.url + "/echo", data={"a": ["1", "2"]}),
        await client.put(env.url + "/echo", content="ü"),
        await client.patch(env.url + "/echo", content=b"bytes"),
        await client.post(env.url + "/echo"),
        await client.delete(env.url + "/echo"),
    ]
    return [[answer.json()["method"], answer.json()["body"]] for answer in answers]


@on_both
async def files(env, client):
    answer = await client.post(
        env.url + "/echo", files={"f": ("n.txt", io.BytesIO(b"content"))}, data={"k": "v"}
    )
    return [b"content" in answer.json()["body"].encode(), answer.json()["size"]]


@on_both
async def redirects(env, client):
    stays = await client.get(env.url + "/redirect/2")
    goes = await client.get(env.url + "/redirect/2", follow_redirects=True)
    return [
        stays.status_code,
        stays.next_request.url.path,
        goes.url.path,
        [step.status_code for step in goes.history],
    ]


@on_both
async def statuses(env, client):
    answer = await client.get(env.url + "/status/404")
    try:
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        return [
            error.response.status_code,
            str(error).replace(env.url, ""),
            answer.is_client_error,
            answer.text,
        ]


@on_both
async def errors(env, client):
    return [
        await error_of(client.get(env.refused)),
        await error_of(client.get("http://nowhere.invalid/")),
        await error_of(client.get(env.url + "/drop")),
        await error_of(client.get(env.url + "/garbage")),
        await error_of(client.get(env.url + "/truncated")),
        await error_of(client.get(env.url + "/truncated-chunks")),
        await error_of(client.get(env.url + "/silent", timeout=0.1)),
        await error_of(client.get(env.url + "/silent-body", timeout=0.2)),
        await error_of(client.get(env.url + "/loop", follow_redirects=True)),
        await error_of(client.get(env.url + "/bad-gzip")),
        await error_of(client.get("ftp://a.test/")),
        await error_of(client.get("no scheme")),
        await error_of(client.get("http://[")),
        await error_of(client.get(env.untrusted + "/echo")),
        await error_of(client.get(env.url + "/echo", headers={"X": "a\nb"})),
    ]


@on_both
async def tls(env, client):
    return [(await client.get(env.tls + "/echo")).json()["method"] for _ in range(2)]


@on_both
async def cookies(env, client):
    first = (await client.get(env.url + "/cookies")).text
    second = await client.get(env.url + "/cookies")
    return [first, second.text, sorted(client.cookies.items())]


@on_both
async def authentication(env, client):
    basic = await client.get(env.url + "/basic", auth=("user", "pass"))
    digest = await client.get(env.url + "/digest", auth=httpx.DigestAuth("user", "pass"))
    refused = await client.get(env.url + "/basic", auth=("user", "no"))
    return [basic.text, digest.text, refused.status_code]


@on_both
async def packed(env, client):
    return [
        (await client.get(env.url + path)).text[:20]
        for path in ("/gzip", "/deflate", "/gzip-chunks", "/chunk-extension")
    ]


@on_both
async def headers(env, client):
    answer = await client.get(env.url + "/twice")
    return [
        answer.headers.get_list("x-two"),
        answer.headers["etag"],
        answer.links,
        [list(pair) for pair in answer.headers.multi_items()],
    ]


@snippet
def httpx_streams(env):
    with httpx.Client(timeout=5) as client, client.stream("GET", env.url + "/big?kib=300") as answer:
        sizes = [len(part) for part in answer.iter_bytes(100_000)]
    with httpx.Client(timeout=5) as client, client.stream("GET", env.url + "/events") as answer:
        lines = list(answer.iter_lines())
    with httpx.stream("GET", env.url + "/gzip") as answer:
        raw = sum(map(len, answer.iter_raw()))
    return [sizes, lines, raw, *kinds(lambda: answer.text)]


@snippet
def httpx_streams_async(env):
    async def main():
        async with httpx.AsyncClient(timeout=5) as client:
            async with client.stream("GET", env.url + "/big?kib=300") as answer:
                sizes = [len(part) async for part in answer.aiter_bytes(100_000)]
            async with client.stream("GET", env.url + "/events") as answer:
                lines = [line async for line in answer.aiter_lines()]
            many = await asyncio.gather(*(client.get(f"{env.url}/echo?n={n}") for n in range(8)))
        return [sizes, lines, [answer.json()["path"] for answer in many]]

    return asyncio.run(main())


@snippet
def httpx_client_settings(env):
    seen = []
    hooks = {
        "request": [lambda request: seen.append(request.method)],
        "response": [lambda answer: seen.append(answer.status_code)],
    }
    with httpx.Client(
        base_url=env.url,
        headers={"X-A": "1"},
        params={"k": "v"},
        event_hooks=hooks,
        timeout=httpx.Timeout(5, connect=1),
    ) as client:
        answer = client.get("/echo")
        built = client.send(client.build_request("POST", "/echo", json=[1]))
    return [
        answer.json()["path"],
        built.json()["body"],
        seen,
        *kinds(lambda: client.get("/echo")),
        answer.elapsed.total_seconds() > 0,
    ]


@snippet
def httpx_generator_body(env):
    return httpx.post(env.url + "/echo", content=(b"part" for _ in range(3))).json()["body"]


def with_aiohttp(function):
    @snippet
    def run(env):
        async def main():
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
                return await function(env, client)

        return asyncio.run(main())

    SNIPPETS[f"aiohttp_{function.__name__}"] = SNIPPETS.pop("run")
    return function


@with_aiohttp
async def gets_pages(env, client):
    async with client.get(env.url + "/echo", params={"a": "ü", "n": 1}, headers={"X-A": "b"}) as answer:
        fields = await answer.json()
        names = [pair for pair in fields["headers"] if pair[0] in ("x-a", "accept", "host")]
        return [
            answer.status,
            answer.reason,
            fields["path"],
            len(names),
            answer.content_type,
            answer.charset,
            str(answer.url)[-20:],
        ]


@with_aiohttp
async def sends_bodies(env, client):
    form = aiohttp.FormData({"k": "v"})
    found = []
    for options in (
        {"json": {"a": 1}},
        {"data": {"a": "ü"}},
        {"data": b"bytes"},
        {"data": "text"},
        {"data": form},
        {"data": io.BytesIO(b"file")},
        {},
    ):
        async with client.post(env.url + "/echo", **options) as answer:
            fields = await answer.json()
            found.append([fields["body"], dict(fields["headers"]).get("content-type")])
    return found


async def pieces():
    for n in range(3):
        yield b"piece %d " % n


@with_aiohttp
async def sends_pieces(env, client):
    async with client.put(env.url + "/echo", data=pieces()) as answer:
        return (await answer.json())["body"]


@with_aiohttp
async def knows_statuses(env, client):
    async with client.get(env.url + "/status/404") as answer:
        try:
            answer.raise_for_status()
        except aiohttp.ClientResponseError as error:
            return [error.status, error.message, answer.ok, await answer.text()]


async def read(client, url, **options):
    async with client.get(url, **options) as answer:
        return (await answer.read()).decode()[:30]


@with_aiohttp
async def raises(env, client):
    return [
        await error_of(read(client, env.refused)),
        await error_of(read(client, "http://nowhere.invalid/")),
        await error_of(read(client, env.url + "/drop")),
        await error_of(read(client, env.url + "/truncated")),
        await error_of(read(client, env.url + "/truncated-chunks")),
        await error_of(read(client, env.url + "/silent", timeout=aiohttp.ClientTimeout(total=0.2))),
        await error_of(read(client, env.url + "/loop")),
        await error_of(read(client, env.url + "/status/500", raise_for_status=True)),
        await error_of(read(client, "no scheme")),
        await error_of(read(client, env.untrusted + "/echo")),
        await error_of(read(client, env.url + "/bad-gzip")),
    ]


@with_aiohttp
async def refuses_other_types(env, client):
    async with client.get(env.url + "/status/200") as answer:
        return await error_of(answer.json())


@with_aiohttp
async def follows_redirects(env, client):
    async with client.get(env.url + "/redirect/3") as answer:
        history = [step.status for step in answer.history]
    async with client.get(env.url + "/redirect/3", allow_redirects=False) as answer:
        return [history, answer.status, answer.headers["Location"]]


@with_aiohttp
async def speaks_tls(env, client):
    async with client.get(env.tls + "/echo") as answer:
        return (await answer.json())["method"]


@with_aiohttp
async def authenticates(env, client):
    return [
        await read(client, env.url + "/basic", auth=aiohttp.BasicAuth("user", "pass")),
        await read(client, env.url + "/basic"),
    ]


@with_aiohttp
async def streams(env, client):
    async with client.get(env.url + "/big?kib=300") as answer:
        total = 0
        async for part in answer.content.iter_chunked(50_000):
            total += len(part)
    async with client.get(env.url + "/events") as answer:
        lines = [line.decode() async for line in answer.content]
    async with client.get(env.url + "/gzip-chunks") as answer:
        return [total, lines, len(await answer.read())]


@with_aiohttp
async def fetches_together(env, client):
    return await asyncio.gather(*(read(client, f"{env.url}/text?hex={n:02x}") for n in range(65, 75)))


def cloud(env, **options):
    return boto3.client(
        "s3",
        endpoint_url=options.pop("url", env.url),
        region_name="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="an example",
        config=Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 1, "mode": "standard"}, **options
        ),
    )


@snippet
def boto_reads_and_writes(env):
    s3 = cloud(env)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    put = s3.put_object(Bucket="bucket", Key="new", Body=b"content", Metadata={"a": "b"})
    put_file = s3.put_object(Bucket="bucket", Key="new", Body=io.BytesIO(b"content"))
    found = s3.get_object(Bucket="bucket", Key="object")
    return [
        keys,
        put["ETag"],
        put_file["ETag"],
        found["Body"].read().decode(),
        found["Metadata"],
        found["ContentLength"],
    ]


@snippet
def boto_streams(env):
    s3 = cloud(env)

    def body(**options):
        return s3.get_object(Bucket="bucket", Key="object", **options)["Body"]

    chunks = [chunk.decode() for chunk in body().iter_chunks(5)]
    return [
        [line.decode() for line in body().iter_lines()],
        chunks,
        body(Range="bytes=5-7").read().decode(),
        body().read(4).decode(),
    ]


@snippet
def boto_errors(env):
    s3, slow = cloud(env), cloud(env, read_timeout=0.2)

    def code(call):
        try:
            call()
        except botocore.exceptions.ClientError as error:
            return [
                type(error).__name__,
                error.response["Error"]["Code"],
                error.response["ResponseMetadata"]["HTTPStatusCode"],
            ]

    return [
        code(lambda: s3.get_object(Bucket="bucket", Key="missing")),
        code(lambda: s3.head_object(Bucket="bucket", Key="missing")),
        *kinds(
            lambda: slow.get_object(Bucket="bucket", Key="slow"),
            lambda: cloud(env, url=env.refused).list_buckets(),
            lambda: cloud(env, url=env.untrusted).list_buckets(),
            lambda: s3.get_object(Bucket="bucket"),
        ),
    ]


@snippet
def boto_over_tls(env):
    return cloud(env, url=env.tls).get_object(Bucket="bucket", Key="object")["Body"].read().decode()
