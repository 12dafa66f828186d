"""Every failure at the path of another service is written in that service's shape; elsewhere it is a problem."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from tests.service.conftest import settings_for
from tests.service.routes.compat.conftest import call
from tests.service.running import LiveApp

BODIES: dict[str, dict[str, object]] = {
    "/v1/embeddings": {"model": "shop", "input": "mug"},
    "/v1/rerank": {"model": "shop", "query": "mug", "documents": ["mug"]},
    "/v2/rerank": {"model": "shop", "query": "mug", "documents": ["mug"]},
    "/embed": {"inputs": "mug"},
    "/": {"inputs": "mug"},
    "/rerank": {"query": "mug", "texts": ["mug"]},
}
MEMBERS = {
    "/v1/embeddings": {"error"},
    "/v1/rerank": {"id", "message", "detail", "code"},
    "/v2/rerank": {"id", "message", "detail", "code"},
    "/embed": {"error", "error_type"},
    "/": {"error", "error_type"},
    "/rerank": {"error", "error_type"},
}


@pytest.fixture(scope="module")
def tight(shop_root: Path) -> Iterator[LiveApp]:
    """An application whose queue takes four records."""
    with LiveApp(settings_for(shop_root, batching={"max_pending_records": 4})) as app:
        yield app.ready()


@pytest.mark.parametrize("path", list(BODIES))
def test_a_full_queue_is_429_with_retry_after(tight: LiveApp, path: str) -> None:
    async def many() -> list[httpx.Response]:
        return list(await asyncio.gather(*[tight.client.post(path, json=BODIES[path]) for _ in range(40)]))

    responses = tight.run(many())
    refused = [response for response in responses if response.status_code == 429]
    assert refused and {response.status_code for response in responses} == {200, 429}
    for response in refused:
        assert response.headers["retry-after"] == "1"
        assert set(response.json()) == MEMBERS[path]
    if path in ("/embed", "/", "/rerank"):
        assert refused[0].json()["error_type"] == "overloaded"
    if path == "/v1/embeddings":
        assert refused[0].json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("path", list(BODIES))
def test_not_ready_is_503_in_the_shape_of_the_path(shop_root: Path, path: str) -> None:
    async def ask() -> httpx.Response:
        app = create_app(settings_for(shop_root))  # its lifespan never runs, so nothing is ever loaded
        body = {**BODIES[path], "model": "shop"} if "rerank" in path and path != "/rerank" else BODIES[path]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
            return await client.post(path, json=body)

    response = asyncio.run(ask())
    assert response.status_code == 503
    assert set(response.json()) == MEMBERS[path]


def test_what_is_not_json_and_what_has_no_route(shop: LiveApp) -> None:
    for path, members in MEMBERS.items():
        response = call(shop, path, content=b"{")
        assert response.status_code == (400 if path == "/v1/embeddings" else 422)
        assert set(response.json()) == members
        assert "x-request-id" in response.headers
    for path in ("/v1/embeddings/x", "/embed_all", "/v1"):
        response = call(shop, path, {})
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
