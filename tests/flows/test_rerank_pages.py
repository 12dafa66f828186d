"""The how-to pages on the second stage: every request that they show is answered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.cur.kinds import AdacurKind
from index.store import activate
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import WORDS, titles, write_tiny_bundle

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
REQUESTS = [
    line
    for name in ("rerank-with-a-cross-encoder.md", "diversify-and-blend.md")
    for block in re.findall(r"```json\n(.*?)```", (PAGES / name).read_text(), re.DOTALL)
    for line in block.splitlines()
]
ITEM_IDS = ["85123A", "22423", *map(str, range(98))]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    root = tmp_path_factory.mktemp("pages")
    collection = Workspace(root).collection("shop")
    write_tiny_bundle(collection, reranker=["title"])
    pq.write_table(pa.table({"item_id": ITEM_IDS, "title": titles(100)}), root / "items.parquet")
    pq.write_table(pa.table({"text": WORDS}), root / "queries.parquet")
    kind = AdacurKind(queries=root / "queries.parquet", n_queries=20)
    config = BuildConfig(collection="shop", items=root / "items.parquet", cross_encoder_search=kind)
    activate(collection, build_index(collection, config))
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


@pytest.mark.parametrize("line", REQUESTS)
def test_the_requests_of_the_pages_are_answered(served: LiveApp, line: str) -> None:
    body: dict[str, Any] = orjson.loads(line)
    response = served.post("search", body)
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    assert len(response.json()["results"][0]["hits"]) == 10


def test_the_requests_show_every_kind() -> None:
    assert len(REQUESTS) == 5
    for part in ('"cross_encoder"', '"mmr"', '"blend"', "budget_ms", "stop_gap"):
        assert any(part in line for line in REQUESTS)
