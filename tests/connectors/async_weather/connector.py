"""Weather of many towns at once, by asyncio and httpx."""

import asyncio

import httpx
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op

TOWNS = ["Aachen", "Bonn", "Celle", "Düren"]


async def fetch(client: httpx.AsyncClient, gate: asyncio.Semaphore, town: str) -> dict:
    async with gate:
        answer = await client.get("/weather", params={"town": town})
    await asyncio.sleep(0.5)
    if answer.is_error:
        return {"town": town, "problem": answer.status_code}
    return {"town": town, **answer.json()}


async def collect(configuration: dict) -> list:
    gate = asyncio.Semaphore(2)
    headers = {"X-Api-Key": configuration["api_key"]}
    async with httpx.AsyncClient(base_url="https://weather.example.com", headers=headers) as client:
        tasks = [asyncio.create_task(fetch(client, gate, town)) for town in TOWNS]
        return await asyncio.wait_for(asyncio.gather(*tasks), timeout=60)


def update(configuration, state):
    for row in asyncio.run(collect(configuration)):
        op.upsert("weather", row)
    with (
        httpx.Client(timeout=5.0) as client,
        client.stream("GET", "https://weather.example.com/log") as answer,
    ):
        for number, line in enumerate(answer.iter_lines()):
            op.upsert("log", {"number": number, "line": line})
    op.checkpoint({"towns": len(TOWNS)})


connector = Connector(update=update, schema=lambda c: [{"table": "weather", "primary_key": ["town"]}])
