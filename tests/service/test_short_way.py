"""Hot routes by look-up, and what a caller that hangs up leaves behind on a real socket."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.batching import Batcher, Outcome
from service.call import Call
from service.server import uvicorn_config
from service.settings import Settings
from service.short_way import HotPaths
from service.stages import Stages
from tests.service.conftest import settings_for
from tests.service.running import LiveApp


@pytest.fixture(scope="module")
def paths() -> HotPaths:
    return HotPaths(create_app(Settings()).hot)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/collections/shop/search", "search"),
        ("/v1/collections/ü b/embed", "embed"),
        ("/v1/embeddings", "openai_embeddings"),
        ("/embed", "tei_embed"),
        ("/", "tei_root"),
    ],
)
def test_a_hot_route_is_found(paths: HotPaths, path: str, name: str) -> None:
    scope: dict[str, Any] = {"method": "POST", "path": path}
    route = paths.find(scope)
    assert route is not None and route.name == name
    if "{" in route.path:
        assert scope["path_params"] == {"collection": path.split("/")[3]}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/collections/shop/search"),
        ("POST", "/v1/collections/shop"),
        ("POST", "/v1/collections//search"),
        ("POST", "/v1/collections/a/b/search"),
        ("POST", "/v1/collections/shop/search/"),
        ("POST", "/v1/collections/shop/nothing"),
        ("POST", "/v1/embeddings/"),
    ],
)
def test_everything_else_is_left_to_the_router(paths: HotPaths, method: str, path: str) -> None:
    assert paths.find({"method": method, "path": path}) is None
    assert paths.find({"method": "POST", "path": "/embed", "root_path": "/below"}) is None


def test_both_ways_give_the_same_answer(shop: LiveApp) -> None:
    body = {"item_ids": ["a-00003"], "k": 3}
    short = shop.post("search", body)

    async def long_way() -> Any:
        app: Any = shop.app
        find, app._hot.find = app._hot.find, lambda _: None
        try:
            return await shop.client.post("/v1/collections/shop/search", json=body)
        finally:
            app._hot.find = find

    long = shop.run(long_way())
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert short.headers.keys() == long.headers.keys()


@dataclass(eq=False)
class Gate:
    """Occupies a worker until it is opened."""

    open: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def tokens(self, payload: object, records: int) -> int:
        return 1

    def is_brief(self, records: int) -> bool:
        return False

    def run(self, payloads: Sequence[object], stages: Stages) -> list[Outcome]:
        self.entered.set()
        assert self.open.wait(20)
        return [b"" for _ in payloads]

    def hold(self) -> None:
        return

    def release(self) -> None:
        return


def test_a_caller_that_hangs_up_frees_its_place(shop_root: Path) -> None:
    asyncio.run(asyncio.wait_for(_hang_up(settings_for(shop_root)), 40))


async def _hang_up(settings: Settings) -> None:
    app = create_app(settings)
    server = uvicorn.Server(uvicorn_config(settings, app))
    serving = asyncio.create_task(server.serve())
    batcher = await _ready(app, server)
    gate = Gate()
    first = batcher.submit(gate, None, 1, Call([], "/"))
    await asyncio.to_thread(gate.entered.wait, 20)

    port = server.servers[0].sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"item_ids": ["a-00001", "a-00002"]}'
    head = b"POST /v1/collections/shop/search HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    await _until(lambda: batcher.pending() == 3)
    writer.close()
    await writer.wait_closed()
    await _until(lambda: batcher.pending() == 1)  # while the worker is as busy as before
    assert not gate.open.is_set()
    text = app.state.serving.metrics.render().decode()
    assert 'tandem_shed_total{collection="shop",reason="cancelled"} 1.0' in text
    assert 'tandem_requests_total{collection="shop",route="search",status="499"} 1.0' in text

    gate.open.set()
    assert await first == b""
    server.should_exit = True
    await serving


async def _ready(app: FastAPI, server: uvicorn.Server) -> Batcher:
    slots = app.state.serving.slots
    await _until(lambda: server.started and slots.state()[0] == "ready")
    batcher: Batcher = slots.get("shop").batcher
    return batcher


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.005)
