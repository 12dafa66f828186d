import asyncio
import json

import numpy as np
import pytest

from client import AsyncClient, Client, Retries
from client.errors import NotFound, Overloaded
from tests.client.conftest import ADMIN_KEY
from tests.client.scripted import LOST, Scripted, ScriptedServer


def test_every_read_gives_what_the_other_client_gives(client: Client, url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(url, api_key=ADMIN_KEY) as other:
            embedded = await other.embed("shop", [{"text": "red mug"}])
            np.testing.assert_array_equal(embedded.vectors, client.embed("shop", [{"text": "red mug"}]).vectors)
            assert await other.search("shop", item_ids=["a-00001"]) == client.search("shop", item_ids=["a-00001"])
            reranked = await other.rerank("shop", query={"text": "mug"}, item_ids=["a-00001", "a-00002"])
            assert reranked == client.rerank("shop", query={"text": "mug"}, item_ids=["a-00001", "a-00002"])
            codes = await other.semantic_ids("shop", item_ids=["a-00001"])
            assert codes == client.semantic_ids("shop", item_ids=["a-00001"])
            named = [codes.semantic_ids[0].semantic_id]
            assert await other.decode("shop", named) == client.decode("shop", named)
            assert await other.prefix("shop", []) == client.prefix("shop", [])
            assert await other.collections() == client.collections()
            assert await other.collection("shop") == client.collection("shop")
            with pytest.raises(NotFound):
                await other.activate("shop", "v1")

    asyncio.run(ask())


def test_many_at_once(url: str) -> None:
    async def ask() -> list[str]:
        async with AsyncClient(url) as client:
            answers = await asyncio.gather(*[client.search("shop", item_ids=[f"a-{i:05d}"], k=1) for i in range(40)])
            return [answer.results[0].hits[0].item_id for answer in answers]

    found = asyncio.run(ask())
    assert len(found) == 40 and all(item_id != f"a-{i:05d}" for i, item_id in enumerate(found))


def test_retries() -> None:
    done = Scripted(200, json.dumps({"collection": "c", "bundle_id": "b", "index_version": "v", "results": []}))
    full = Scripted(429, '{"code": "overloaded", "detail": "full"}', {"retry-after": "0"})

    async def ask(server: ScriptedServer) -> int:
        async with AsyncClient(server.url, retries=Retries(tries=3, first_wait_s=0)) as client:
            return len((await client.search("shop", item_ids=["a"])).results)

    with ScriptedServer(full, LOST, done) as server:
        assert asyncio.run(ask(server)) == 0
        assert len(server.seen) == 3
    with ScriptedServer(*[full] * 4) as server, pytest.raises(Overloaded):
        asyncio.run(ask(server))
    assert len(server.seen) == 3
