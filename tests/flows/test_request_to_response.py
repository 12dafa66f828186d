"""Line three: a request is answered from one version, with the hits that the bundle and exact search give."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from bundle.store import open_bundle
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from index.version import open_version
from service.app import create_app
from service.settings import ReloadSettings, Settings
from tests.flows.conftest import Trained

CUSTOMER = {"history": ["85123A", "22423", "84879"], "country": "Germany"}


@pytest.fixture(scope="module")
def version(trained: Trained) -> str:
    config = BuildConfig(collection=trained.collection.name, items=trained.tables / "items.parquet")
    version = build_index(trained.collection, config)
    activate(trained.collection, version)
    return version


def _ask(trained: Trained, requests: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    settings = Settings(workspace=trained.workspace.root, reload=ReloadSettings(poll_seconds=0.05))

    async def ask() -> list[dict[str, Any]]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app)
        answers = []
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://t") as http,
        ):
            while (await http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
            for path, body in requests:
                response = await http.post(f"/v1/collections/{trained.collection.name}/{path}", json=body)
                assert response.status_code == 200, response.text
                answers.append(response.json())
        return answers

    return asyncio.run(ask())


def test_requests_are_answered_as_the_parts_compute(trained: Trained, version: str) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    opened = open_version(trained.collection, version)
    search, embed, listed = _ask(
        trained,
        [
            ("search", {"queries": [CUSTOMER], "k": 10, "with": ["attributes", "semantic_id"]}),
            ("embed", {"tower": "query", "records": [CUSTOMER]}),
            ("semantic-ids", {"prefix": [], "k": 0}),
        ],
    )
    embedding_1D = bundle.query.embed([CUSTOMER])
    np.testing.assert_allclose(embed["embeddings"], embedding_1D, atol=1e-6)
    expected = opened.search(embedding_1D, 10)
    hits = search["results"][0]["hits"]
    assert [hit["item_id"] for hit in hits] == expected.ids[0]
    np.testing.assert_allclose([hit["score"] for hit in hits], expected.scores_BK[0], atol=1e-5)
    assert all(hit["attributes"]["description"] and hit["semantic_id"] for hit in hits)
    assert listed["count"] == opened.count
    for answer in (search, embed, listed):
        assert (answer["bundle_id"], answer["index_version"]) == (trained.result.bundle_id, version)
