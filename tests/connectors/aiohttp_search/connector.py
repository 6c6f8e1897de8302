"""Search results, fetched together by aiohttp; `update` is a coroutine."""

import asyncio

import aiohttp
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Operations as op


async def search(session: aiohttp.ClientSession, word: str) -> dict:
    async with session.get("/search", params={"q": word}) as answer:
        try:
            answer.raise_for_status()
            return {"word": word, "hits": (await answer.json())["hits"]}
        except aiohttp.ClientResponseError as error:
            return {"word": word, "hits": None, "problem": error.status}


async def update(configuration: dict, state: dict):
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession("https://search.example.com", timeout=timeout) as session:
        for row in await asyncio.gather(*(search(session, word) for word in ("one", "two", "ten"))):
            op.upsert("result", row)
        async with session.post("/feedback", json={"useful": True}) as answer:
            op.upsert("feedback", {"id": 1, "text": await answer.text(), "kind": answer.content_type})
    op.checkpoint(state)


connector = Connector(update=update, schema=lambda c: [{"table": "result", "primary_key": ["word"]}])
