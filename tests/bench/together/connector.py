"""Work that can be done at the same time; lands how many seconds each way took."""

import asyncio
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import httpx
import requests
import spinning
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def fetch(url):
    return len(requests.get(url, timeout=60).content)


def processor_work(rounds, tasks, only):
    """One way or both; with neither, what every sync of this connector costs."""
    if only is None:
        yield from spinning.both(rounds, tasks)
        return
    with ProcessPoolExecutor() as pool:
        spinning.warm(pool)
        start = time.perf_counter()
        if only == "inline":
            spinning.inline(rounds, tasks)
        elif only == "processes":
            spinning.pooled(pool, rounds, tasks)
        yield only, time.perf_counter() - start


async def fetch_with_asyncio(urls):
    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(client.get(url) for url in urls))


def fetch_with(executor, urls):
    with executor as pool:
        list(pool.map(fetch, urls))


def fetches(url, count):
    urls = [f"{url}/{n}" for n in range(count)]
    ways = {
        "one fetch": lambda: fetch(url),
        "fetches, asyncio": lambda: asyncio.run(fetch_with_asyncio(urls)),
        "fetches, processes": lambda: fetch_with(ProcessPoolExecutor(count), urls),
        "fetches, threads": lambda: fetch_with(ThreadPoolExecutor(count), urls),
    }
    for name, way in ways.items():
        start = time.perf_counter()
        way()
        yield name, time.perf_counter() - start


def update(configuration, state):
    if "url" in configuration:
        measured = fetches(configuration["url"], int(configuration["fetches"]))
    else:
        only = configuration.get("only")
        measured = processor_work(int(configuration["rounds"]), int(configuration["tasks"]), only)
    for name, seconds in measured:
        op.upsert("times", {"name": name, "seconds": seconds, "processors": os.cpu_count()})


connector = Connector(update=update)
