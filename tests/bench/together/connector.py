"""Work that can be done at the same time; lands how many seconds each way took."""

import asyncio
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import httpx
import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


def spin(rounds):
    total = 0
    for n in range(rounds):
        total += n * n % 7
    return total


def fetch(url):
    return len(requests.get(url, timeout=60).content)


def inline_and_in_processes(rounds, tasks):
    with ProcessPoolExecutor() as pool:
        # both ways with everything imported
        list(pool.map(spin, [1] * os.cpu_count()))
        start = time.perf_counter()
        inline = [spin(rounds) for _ in range(tasks)]
        yield "inline", time.perf_counter() - start
        start = time.perf_counter()
        pooled = list(pool.map(spin, [rounds] * tasks))
        yield "processes", time.perf_counter() - start
    assert inline == pooled


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
        measured = inline_and_in_processes(int(configuration["rounds"]), int(configuration["tasks"]))
    for name, seconds in measured:
        op.upsert("times", {"name": name, "seconds": seconds, "processors": os.cpu_count()})


connector = Connector(update=update)
