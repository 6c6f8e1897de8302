"""Many requests in flight, and what httpx and aiohttp do with good and bad answers."""

import asyncio
import time

import aiohttp
import httpx
from fivetran_connector_sdk import Operations as op


async def many_with_httpx(configuration, state):
    async with httpx.AsyncClient(timeout=30) as client:
        start = time.monotonic()
        urls = [f"{configuration['url']}/slow/{n}" for n in range(32)]
        for answer in await asyncio.gather(*(client.get(url) for url in urls)):
            op.upsert("answers", {"path": answer.text})
        op.upsert("times", {"id": 1, "seconds": time.monotonic() - start})


async def many_with_aiohttp(configuration, state):
    async with aiohttp.ClientSession() as session:

        async def fetch(n):
            async with session.get(f"{configuration['url']}/slow/{n}") as answer:
                return await answer.text()

        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch(n)) for n in range(32)]
        for task in tasks:
            op.upsert("answers", {"path": task.result()})
        op.upsert("times", {"id": 1, "seconds": time.monotonic() - start})


def tools_of_asyncio(configuration, state):
    def see(name, value):
        op.upsert("seen", {"name": name, "value": str(value)})

    async def main():
        async with httpx.AsyncClient() as client:
            url = f"{configuration['url']}/never"
            try:
                await asyncio.wait_for(client.get(url), 0.2)
            except TimeoutError:
                see("wait_for", "TimeoutError")
            try:
                async with asyncio.timeout(0.2):
                    await client.get(url)
            except TimeoutError:
                see("timeout", "TimeoutError")
            see("after", (await client.get(f"{configuration['url']}/after")).text)
        queue, limit, order = asyncio.Queue(2), asyncio.Semaphore(2), []

        async def produce():
            for n in range(4):
                await queue.put(n)
            await queue.put(None)

        async def consume():
            while (item := await queue.get()) is not None:
                async with limit:
                    await asyncio.sleep(0.001)
                    order.append(item)

        await asyncio.gather(produce(), consume())
        see("queue", order)
        loop = asyncio.get_running_loop()
        see("run_in_executor", await loop.run_in_executor(None, pow, 2, 5))
        see("to_thread", await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(3))))
        # another thread may have an event loop of its own
        see("loop in a thread", await asyncio.to_thread(asyncio.run, asyncio.sleep(0, "slept")))

    asyncio.run(main())


def _outcome(call):
    try:
        answer = call()
    except httpx.HTTPError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.reason_phrase}: {answer.text}"


async def _async_outcome(client, method, url, **options):
    try:
        answer = await client.request(method, url, **options)
    except httpx.HTTPError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.reason_phrase}: {answer.text}"


def behaviour_of_httpx(configuration, state):
    """The same requests through both clients; each row says what either did."""
    url = configuration["url"]
    requests = {
        "get": ("GET", f"{url}/echo?a=b", {}),
        "post json": ("POST", f"{url}/echo", {"json": {"a": [1, 2]}}),
        "post form": ("POST", f"{url}/echo", {"data": {"a": "b c"}}),
        "head": ("HEAD", f"{url}/echo", {}),
        "missing": ("GET", f"{url}/missing", {}),
        "redirect": ("GET", f"{url}/redirect", {"follow_redirects": True}),
        "chunked": ("GET", f"{url}/chunked", {}),
        "gzip": ("GET", f"{url}/gzip", {}),
        "cut off": ("GET", f"{url}/cut", {}),
        "closed": ("GET", f"{url}/closed", {}),
        "too slow": ("GET", f"{url}/never", {"timeout": 0.2}),
        "refused": ("GET", configuration["nowhere"], {}),
        "denied": ("GET", "http://not-granted.example/", {}),
        "no scheme": ("GET", "example.com", {}),
    }
    found = {}
    with httpx.Client() as client:
        for name, (method, address, options) in requests.items():
            found[name] = [_outcome(lambda: client.request(method, address, **options))]  # noqa: B023
        with client.stream("GET", f"{url}/chunked") as answer:
            found["stream"] = [",".join(answer.iter_lines())]
        found["top level"] = [httpx.get(f"{url}/echo").text]
        try:
            httpx.get("https://127.0.0.1:1/", verify=False)
        except httpx.ConnectError as error:
            found["verify=False"] = [f"ConnectError: {error}"]

    async def again():
        async with httpx.AsyncClient() as client:
            for name, (method, address, options) in requests.items():
                found[name].append(await _async_outcome(client, method, address, **options))
            async with client.stream("GET", f"{url}/chunked") as answer:
                found["stream"].append(",".join([line async for line in answer.aiter_lines()]))

    asyncio.run(again())
    for name, outcomes in found.items():
        op.upsert("outcomes", {"name": name, "sync": outcomes[0], "async": outcomes[-1]})


async def behaviour_of_aiohttp(configuration, state):
    url = configuration["url"]
    requests = {
        "get": ("GET", f"{url}/echo?a=b", {}),
        "post json": ("POST", f"{url}/echo", {"json": {"a": [1, 2]}}),
        "head": ("HEAD", f"{url}/echo", {}),
        "missing": ("GET", f"{url}/missing", {}),
        "redirect": ("GET", f"{url}/redirect", {}),
        "chunked": ("GET", f"{url}/chunked", {}),
        "gzip": ("GET", f"{url}/gzip", {}),
        "cut off": ("GET", f"{url}/cut", {}),
        "closed": ("GET", f"{url}/closed", {}),
        "too slow": ("GET", f"{url}/never", {"timeout": aiohttp.ClientTimeout(total=0.2)}),
        "refused": ("GET", configuration["nowhere"], {}),
        "denied": ("GET", "http://not-granted.example/", {}),
    }
    async with aiohttp.ClientSession() as session:
        for name, (method, address, options) in requests.items():
            try:
                async with session.request(method, address, **options) as answer:
                    outcome = f"{answer.status} {answer.reason}: {await answer.text()}"
            except (aiohttp.ClientError, TimeoutError) as error:
                outcome = type(error).__name__
            op.upsert("outcomes", {"name": name, "async": outcome})


MODES = {
    function.__name__: function
    for function in (
        many_with_httpx,
        many_with_aiohttp,
        tools_of_asyncio,
        behaviour_of_httpx,
        behaviour_of_aiohttp,
    )
}
