"""The how-to's configs and requests, on the example."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from index.build import build_index
from index.config import BuildConfig
from index.store import activate, read_version
from service.schemas.search import SearchRequest
from service.settings import ReloadSettings, Settings
from tests.flows.conftest import Trained
from tests.service.running import LiveApp

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "search-by-words-and-meaning.md").read_text()
CONFIG, LEARNING = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
REQUESTS: list[dict[str, Any]] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
LABELLED = 200


@pytest.fixture(scope="module")
def version(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Built by the page's sections together; customers ask for what they bought by its description."""
    tables = tmp_path_factory.mktemp("words")
    items = pq.read_table(trained.tables / "items.parquet")
    description = dict(zip(items["item_id"].to_pylist(), items["description"].to_pylist(), strict=True))
    bought = pq.read_table(trained.tables / "interactions.parquet").to_pydict()
    chosen = dict(zip(bought["query_id"], bought["item_id"], strict=True))
    asked = {query_id: item_id for query_id, item_id in chosen.items() if description.get(item_id)}
    queries = pq.read_table(trained.tables / "queries.parquet").to_pylist()
    labelled = [row for row in queries if row["query_id"] in asked][:LABELLED]
    for row in labelled:
        row |= {"text": description[asked[row["query_id"]]], "history": ["85123A"]}
    query_ids = [row["query_id"] for row in labelled]
    pq.write_table(items, tables / "items.parquet")
    pq.write_table(pa.Table.from_pylist(labelled), tables / "queries.parquet")
    answers = {"query_id": query_ids, "item_id": [asked[query_id] for query_id in query_ids]}
    pq.write_table(pa.table({**answers, "split": ["validation"] * len(query_ids)}), tables / "interactions.parquet")
    config = validate_config(BuildConfig, {**CONFIG, **LEARNING, "collection": trained.collection.name}, "the page")
    version = build_index(trained.collection, config, base=tables)
    activate(trained.collection, version)
    return version


def test_the_requests_of_the_page_are_answered(trained: Trained, version: str) -> None:
    settings = Settings(workspace=trained.workspace.root, reload=ReloadSettings(poll_seconds=0.05))
    with LiveApp(settings) as app:
        app.ready()
        name = trained.collection.name
        answers = [app.post("search", {**body, "with": ["attributes"]}, collection=name) for body in REQUESTS]

    by_words, by_both, weighted = answers
    for response in (by_words, by_both, weighted):
        assert response.status_code == 200, response.text
        assert response.json()["index_version"] == version
    for hit in by_words.json()["results"][0]["hits"]:
        words = set(re.findall(r"\w+", hit["attributes"]["description"].lower()))
        assert words & {"red", "retrospot", "mug"}
    for response, body in ((by_both, REQUESTS[1]), (weighted, REQUESTS[2])):
        assert len(response.json()["results"][0]["hits"]) == body.get("k", SearchRequest.model_fields["k"].default)


def test_descriptions_are_found_by_their_words_and_the_weight_says_so(trained: Trained, version: str) -> None:
    fusion = read_version(trained.collection, version).fusion
    assert fusion is not None
    assert fusion.n_queries == LABELLED
    assert fusion.ndcg["0"] > 0.9
    assert fusion.dense_weight < 0.5
