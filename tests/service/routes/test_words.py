"""Searches by words, and by words and embeddings together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.workspace import Workspace
from index.fusion import Fusion
from index.hybrid import HybridRanker
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.ranking import DenseRanker, Queries
from index.store import activate
from index.version import IndexVersion, open_current
from service.schemas.collections import CollectionInfo
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, titles, write_tiny_bundle

COUNT = 50
TITLES = dict(zip(ids("a", COUNT), titles(COUNT), strict=True))
TEXT = QueryText(["text", "words"], ["text"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection with an index of words and a learned weight; `words` is a field that the tower does not know."""
    root = tmp_path_factory.mktemp("workspace")
    collection = Workspace(root).collection("shop")
    bundle_id = write_tiny_bundle(collection)
    pq.write_table(
        pa.table({"query_id": ["1", "2"], "text": ["red mug", "wood"], "words": ["red", None]}), root / "q.parquet"
    )
    pq.write_table(pa.table({"query_id": ["1", "2"], "item_id": ["a-00003", "a-00004"]}), root / "i.parquet")
    activate(
        collection,
        build_tiny_index(
            collection,
            root,
            list(TITLES),
            bundle_id,
            lexical={"query_fields": ["text", "words"]},
            fusion={"queries": root / "q.parquet", "interactions": root / "i.parquet"},
        ),
    )
    return root


@pytest.fixture(scope="module")
def worded(root: Path) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


@pytest.fixture(scope="module")
def version(root: Path) -> IndexVersion:
    return open_current(Workspace(root).collection("shop"))


def _result(app: LiveApp, query: dict[str, Any], **body: Any) -> dict[str, Any]:
    response = app.post("search", {"queries": [query], **body})
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    result: dict[str, Any] = response.json()["results"][0]
    return result


def _found(app: LiveApp, query: dict[str, Any], **body: Any) -> list[tuple[str, float]]:
    return [(hit["item_id"], hit["score"]) for hit in _result(app, query, **body)["hits"]]


def test_words_alone_find_every_item_that_has_one_and_no_other(worded: LiveApp, version: IndexVersion) -> None:
    result = _result(worded, {"text": "red mug"}, mode="lexical", k=50, **{"with": ["attributes"]})
    assert {hit["item_id"] for hit in result["hits"]} == {
        item_id for item_id, title in TITLES.items() if {"red", "mug"} & set(title.split())
    }
    assert result["exhaustive"] is True
    score_N = version.words().scores("red mug")
    for hit in result["hits"]:
        assert hit["score"] == pytest.approx(float(score_N[version.ids.rows([hit["item_id"]])[0]]))
        assert hit["attributes"]["title"] == TITLES[hit["item_id"]]
    fewer = _result(worded, {"text": "red mug"}, mode="lexical", k=3)
    assert fewer["hits"] == [{"item_id": h["item_id"], "score": h["score"]} for h in result["hits"][:3]]
    assert fewer["exhaustive"] is False


@pytest.mark.parametrize(
    ("more", "found"),
    [({}, "hits"), ({"rerank": "exact"}, "hits"), ({"diversify": {"level": 1, "most": 2}}, "hits"),
     ({"group_by": {"level": 1, "most": 2}, "rerank": "exact"}, "groups")],
)  # fmt: skip
def test_unknown_words_find_nothing_and_the_answer_says_that_it_is_all(
    worded: LiveApp, more: dict[str, Any], found: str
) -> None:
    assert _result(worded, {"text": "submarine"}, mode="lexical", **more) == {found: [], "exhaustive": True}


@pytest.mark.parametrize(
    ("asked", "fusion"),
    [
        ({}, Fusion("z_score")),
        ({"fusion": "z_score"}, Fusion("z_score")),
        ({"fusion": "reciprocal_rank"}, Fusion("reciprocal_rank")),
        ({"fusion": "weighted", "dense_weight": 0.8}, Fusion("weighted", 0.8)),
        ({"fusion": "weighted", "dense_weight": 0}, Fusion("weighted", 0.0)),
    ],
)
def test_both_together_give_the_joined_scores(
    worded: LiveApp, version: IndexVersion, asked: dict[str, Any], fusion: Fusion
) -> None:
    vector = worded.post("embed", {"records": [{"text": "old red lamp"}]}).json()["embeddings"]
    role = version.role()
    ranker = HybridRanker(DenseRanker(role), LexicalRanker(version.words(), TEXT), role, fusion)
    ranking = ranker.rank(Queries(np.array(vector, dtype=np.float32), [{"text": "old red lamp"}]), 10)
    found = _found(worded, {"text": "old red lamp"}, mode="hybrid", **asked)
    assert [score for _, score in found] == pytest.approx(ranking.scores_BR[0].tolist(), abs=1e-4)
    assert [item_id for item_id, _ in found] == version.ids.at(ranking.rows_BR[0].tolist())


def test_weighted_takes_the_learned_weight(worded: LiveApp, version: IndexVersion) -> None:
    learned = version.manifest.fusion
    assert learned is not None
    by_learned = _found(worded, {"text": "red mug"}, mode="hybrid", fusion="weighted")
    given = {"fusion": "weighted", "dense_weight": learned.dense_weight}
    assert by_learned == _found(worded, {"text": "red mug"}, mode="hybrid", **given)
    other = {"fusion": "weighted", "dense_weight": 0.97}
    assert by_learned != _found(worded, {"text": "red mug"}, mode="hybrid", **other)


def test_both_together_give_k_hits_whatever_the_words(worded: LiveApp) -> None:
    for text in ("submarine", "red"):
        result = _result(worded, {"text": text}, mode="hybrid", k=60)
        assert (len(result["hits"]), result["exhaustive"]) == (COUNT, True)
    unknown = [item_id for item_id, _ in _found(worded, {"text": "submarine"}, mode="hybrid")]
    assert unknown == [item_id for item_id, _ in _found(worded, {"text": "submarine"})]


def test_a_field_for_the_words_alone_is_kept_from_the_tower(worded: LiveApp) -> None:
    only = _found(worded, {"words": "glass"}, mode="lexical", k=50)
    assert only == _found(worded, {"text": "glass"}, mode="lexical", k=50) != []
    both = _found(worded, {"text": "red mug", "words": "glass"}, mode="hybrid", fusion="weighted", dense_weight=1)
    assert [item_id for item_id, _ in both] == [item_id for item_id, _ in _found(worded, {"text": "red mug"})]


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_exact_rescoring_orders_the_candidates_by_their_embeddings(worded: LiveApp, mode: str) -> None:
    dense = dict(_found(worded, {"text": "old red lamp"}, k=COUNT))
    body = {"mode": mode, "k": 5, "rerank": "exact", "depth": 8}
    candidates = [item_id for item_id, _ in _found(worded, {"text": "old red lamp"}, mode=mode, k=8)]
    found = _found(worded, {"text": "old red lamp"}, **body)
    assert [score for _, score in found] == pytest.approx(sorted((dense[i] for i in candidates), reverse=True)[:5])


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_a_limit_by_prefix_holds(worded: LiveApp, mode: str) -> None:
    everything = _result(worded, {"text": "red mug"}, mode=mode, k=COUNT, **{"with": ["semantic_id"]})["hits"]
    first_codes = {hit["semantic_id"].split("-")[0] for hit in everything}
    hits = _result(worded, {"text": "red mug"}, mode=mode, k=9, diversify={"level": 1, "most": 1})["hits"]
    assert len(hits) == min(9, len(first_codes))
    assert hits[0]["item_id"] == everything[0]["item_id"]
    groups = _result(worded, {"text": "red mug"}, mode=mode, k=2, group_by={"level": 1, "most": 50})["groups"]
    for group in groups:
        expected = [h["item_id"] for h in everything if h["semantic_id"].split("-")[0] == group["prefix"]]
        assert [hit["item_id"] for hit in group["hits"]] == expected


def test_joined_requests_get_their_own_answers(worded: LiveApp) -> None:
    words = [*titles(12, seed=3), "submarine"]
    bodies: list[dict[str, Any]] = [
        {"queries": [{"text": text}], "k": 4, "mode": mode} for text in words for mode in ("dense", "lexical", "hybrid")
    ]
    bodies += [{"queries": [{"text": "red"}, {"text": " "}], "mode": "lexical"}]
    for body, response in zip(bodies, worded.post_all("search", bodies), strict=True):
        alone = worded.post("search", body)
        assert response.status_code == alone.status_code
        if response.status_code == 200:
            ours, other = (r.json()["results"][0]["hits"] for r in (response, alone))
            np.testing.assert_allclose([h["score"] for h in ours], [h["score"] for h in other], atol=1e-3)
        else:
            assert response.json()["detail"] == alone.json()["detail"]


RED: dict[str, Any] = {"queries": [{"text": "red"}]}
BAD: list[tuple[dict[str, Any], str]] = [
    ({**RED, "mode": "fuzzy"}, "mode: "),
    (
        {"item_ids": ["a-00001"], "mode": "lexical"},
        "mode 'lexical' reads the words of records; give queries",
    ),
    ({"vectors": [[0.0] * 8], "mode": "hybrid"}, "mode 'hybrid' reads the words of records; give queries"),
    ({**RED, "fusion": "z_score"}, "fusion joins two scores, but mode 'dense' has one"),
    ({**RED, "mode": "lexical", "fusion": "weighted"}, "mode 'lexical' has one"),
    ({**RED, "mode": "hybrid", "fusion": "sum"}, "fusion: "),
    ({**RED, "mode": "hybrid", "dense_weight": 0.4}, 'dense_weight is given without "fusion": "weighted"'),
    ({**RED, "mode": "hybrid", "fusion": "weighted", "dense_weight": 1.5}, "dense_weight: "),
    ({**RED, "mode": "lexical", "params": {"nprobe": 3}}, "params is about embeddings"),
    ({**RED, "mode": "lexical", "relation": "similar"}, "relation is about embeddings"),
    (
        {"queries": [{"text": "a"}, {"text": " "}], "mode": "lexical"},
        "record 1 has no words; give a text as",
    ),
    ({"queries": [{"txt": "a"}], "mode": "lexical"}, "record 0 has unknown fields 'txt'; known are: text, words"),
    ({"queries": [{"words": ["a"]}], "mode": "hybrid"}, "record 0, field 'words' must be a text"),
    ({"queries": [{"words": "red"}], "mode": "hybrid"}, "record 0"),
]


@pytest.mark.parametrize(("body", "named"), BAD)
def test_bad_input_is_named(worded: LiveApp, body: dict[str, Any], named: str) -> None:
    response = worded.post("search", body)
    assert response.status_code == 422, response.text
    assert named in response.json()["detail"]


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_a_collection_without_words_says_what_to_do(shop: LiveApp, mode: str) -> None:
    problem = shop.post("search", {**RED, "mode": mode})
    assert (problem.status_code, problem.json()["code"]) == (409, "lexical-not-served")
    assert "build one with a [lexical] section" in problem.json()["detail"]
    assert shop.get("/v1/collections/shop").json()["lexical"] is None


def test_weighted_without_a_learned_weight_says_what_to_do(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection)
    activate(collection, build_tiny_index(collection, tmp_path, list(TITLES), lexical={}))
    with LiveApp(settings_for(tmp_path)) as app:
        problem = app.ready().post("search", {**RED, "mode": "hybrid", "fusion": "weighted"})
        assert problem.status_code == 422
        assert "no weight was learned" in problem.json()["detail"]
        assert _found(app, {"text": "red"}, mode="hybrid", fusion="weighted", dense_weight=0.3) != []
        assert app.get("/v1/collections/shop").json()["lexical"]["dense_weight"] is None


def test_the_collection_says_that_words_are_there(worded: LiveApp, version: IndexVersion) -> None:
    info = CollectionInfo.model_validate(worded.get("/v1/collections/shop").json())
    assert info.lexical is not None and version.manifest.fusion is not None
    assert (info.lexical.fields, info.lexical.query_fields) == (["title"], ["text", "words"])
    assert info.lexical.dense_weight == version.manifest.fusion.dense_weight
    assert info.lexical.n_words == 12
