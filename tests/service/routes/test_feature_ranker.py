"""Orders by a feature ranker whose network is a weighted sum, and what it refuses."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bundle.workspace import Workspace
from index.lexical.build import LexicalConfig
from index.store import activate
from service.schemas.rerank import RerankAnswer
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, write_tiny_bundle

COUNT = 50
QUERY = {"text": "red mug"}
WEIGHTS = {"score": 1.0, "price": 0.5, "log_count": 4.0}
PRICES = dict(zip(ids("a", COUNT), np.arange(COUNT), strict=True))
TAKEN = {"a-00000": 2, "a-00001": 1}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    """`shop` has a feature ranker and an index of words."""
    root = tmp_path_factory.mktemp("workspace")
    shop = Workspace(root).collection("shop")
    write_tiny_bundle(shop, feature_ranker=WEIGHTS)
    activate(shop, build_tiny_index(shop, root, ids("a", COUNT), lexical=LexicalConfig(query_fields=("text",))))
    with LiveApp(settings_for(root, limits={"max_k": 100, "max_depth": 200, "max_hits": 1000})) as app:
        yield app.ready()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    """`shop` has a feature ranker that gives no numbers."""
    root = tmp_path_factory.mktemp("broken")
    shop = Workspace(root).collection("shop")
    write_tiny_bundle(shop, feature_ranker={"score": float("nan")})
    activate(shop, build_tiny_index(shop, root, ids("a", COUNT)))
    with LiveApp(settings_for(root, limits={"max_k": 100, "max_depth": 200, "max_hits": 1000})) as app:
        yield app.ready()


def hits_of(app: LiveApp, **body: Any) -> list[dict[str, Any]]:
    answer = app.post("search", {"queries": [QUERY], **body}).json()
    SearchAnswer.model_validate(answer)
    hits: list[dict[str, Any]] = answer["results"][0]["hits"]
    return hits


def expected(found: list[dict[str, Any]]) -> dict[str, float]:
    """The weighted sum, from the towers' scores."""
    return {
        one["item_id"]: one["score"]
        + 0.5 * (PRICES[one["item_id"]] - 20) / 10
        + 4 * np.log1p(TAKEN.get(one["item_id"], 0))
        for one in found
    }


def test_search_orders_the_candidates_by_it(app: LiveApp) -> None:
    wanted = expected(hits_of(app, k=30))
    hits = hits_of(app, k=30, rerank="feature_ranker", depth=30)
    assert {hit["item_id"]: hit["score"] for hit in hits} == pytest.approx(wanted, abs=1e-5)
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(hit["reranked"] is True for hit in hits)
    assert hits_of(app, k=30, rerank={"kind": "feature_ranker"}, depth=30) == hits
    first = hits_of(app, k=5, rerank="feature_ranker", depth=10)
    assert {hit["item_id"] for hit in first} <= {hit["item_id"] for hit in hits_of(app, k=10)}


def test_without_a_depth_it_takes_what_it_learnt_with(app: LiveApp) -> None:
    assert hits_of(app, k=3, rerank="feature_ranker") == hits_of(app, k=3, rerank="feature_ranker", depth=20)


def test_it_orders_hits_of_words_and_embeddings_and_those_that_a_filter_allows(app: LiveApp) -> None:
    hybrid = hits_of(app, k=COUNT, mode="hybrid", rerank="feature_ranker", depth=COUNT)
    assert hybrid == hits_of(app, k=COUNT, rerank="feature_ranker", depth=COUNT)
    in_words = hits_of(app, k=COUNT, mode="lexical")
    lexical = hits_of(app, k=COUNT, mode="lexical", rerank="feature_ranker", depth=COUNT)
    assert {hit["item_id"] for hit in lexical} == {hit["item_id"] for hit in in_words}
    assert [hit["score"] for hit in lexical] == sorted((hit["score"] for hit in lexical), reverse=True)
    cheap = {"must": [{"key": "price", "range": {"lt": 10}}]}
    hits = hits_of(app, k=COUNT, rerank="feature_ranker", filter=cheap)
    assert {hit["item_id"] for hit in hits} == set(ids("a", 10))


def test_raw_vectors_and_a_blend_are_ordered_by_it_too(app: LiveApp) -> None:
    vector = app.post("embed", {"tower": "query", "records": [QUERY]}).json()["embeddings"][0]
    by_vector = app.post("search", {"vectors": [vector], "k": 5, "rerank": "feature_ranker"}).json()["results"]
    raw = app.post(
        "search?k=5&rerank=feature_ranker",
        content=np.array([vector], dtype="<f4").tobytes(),
        headers={"content-type": "application/octet-stream"},
    )
    assert raw.json()["results"] == by_vector
    alone = hits_of(app, k=20, rerank="feature_ranker")
    assert [hit["item_id"] for hit in by_vector[0]["hits"]] == [hit["item_id"] for hit in alone[:5]]
    blended = hits_of(app, k=20, rerank={"kind": "blend", "weights": {"feature_ranker": 2}})
    assert [hit["item_id"] for hit in blended] == [hit["item_id"] for hit in alone]


def test_one_that_fails_leaves_the_first_stage_and_says_so(broken: LiveApp) -> None:
    found = hits_of(broken, k=5)
    body = {"queries": [QUERY], "k": 5, "rerank": "feature_ranker"}
    result = broken.post("search", body).json()["results"][0]
    assert [(hit["item_id"], hit["score"]) for hit in result["hits"]] == [
        (hit["item_id"], hit["score"]) for hit in found
    ]
    assert (result["scored"], result["degraded"]["reason"]) == (0, "not_a_number")
    assert 'tandem_degraded_total{collection="shop",reason="not_a_number"} 1' in broken.get("/metrics").text
    for route, asked in (
        ("search", {**body, "rerank": {"kind": "feature_ranker", "on_failure": "error"}}),
        ("rerank", {"query": QUERY, "item_ids": ["a-00001"], "reranker": "feature_ranker"}),
    ):
        response = broken.post(route, asked)
        assert (response.status_code, response.json()["code"]) == (503, "reranker-failed")


def test_rerank_orders_given_items_for_a_record_and_for_a_vector(app: LiveApp) -> None:
    chosen = ids("a", 12)
    exact = app.post("rerank", {"query": QUERY, "item_ids": chosen}).json()["hits"]
    vector = app.post("embed", {"tower": "query", "records": [QUERY]}).json()["embeddings"][0]
    for query in ({"query": QUERY}, {"vector": vector}):
        answer = app.post("rerank", {**query, "item_ids": chosen, "reranker": "feature_ranker"}).json()
        RerankAnswer.model_validate(answer)
        found = {hit["item_id"]: hit["score"] for hit in answer["hits"]}
        assert found == pytest.approx(expected(exact), abs=1e-5)
    assert answer["hits"][0]["item_id"] == "a-00000"


@pytest.mark.parametrize(
    ("route", "body", "status", "named"),
    [
        ("search", {"item_ids": ["a-00001"], "rerank": "feature_ranker"}, 422, "in place of item_ids"),
        (
            "search",
            {"queries": [QUERY], "rerank": {"kind": "feature_ranker", "budget_ms": 5}},
            422,
            "rerank.feature_ranker.budget_ms: unknown field",
        ),
        (
            "search",
            {"examples": [{"all_of": ["a-00001"]}], "rerank": {"kind": "blend", "weights": {"feature_ranker": 1}}},
            422,
            "in place of examples",
        ),
        (
            "search",
            {"queries": [QUERY], "rerank": "feature_ranker", "diversify": {"level": 1, "most": 1}},
            422,
            "diversify and group_by",
        ),
        ("search", {"queries": [QUERY], "rerank": "feature_ranker", "k": 9, "depth": 8}, 422, "at least k"),
        ("rerank", {"query": QUERY, "items": [{"title": "mug"}], "reranker": "feature_ranker"}, 422, "give item_ids"),
        ("rerank", {"query": QUERY, "item_ids": ["nope"], "reranker": "feature_ranker"}, 404, "nope"),
        ("rerank", {"query": {"nope": 1}, "item_ids": ["a-00001"], "reranker": "feature_ranker"}, 422, "nope"),
        ("rerank", {"vector": [0.0], "item_ids": ["a-00001"], "reranker": "feature_ranker"}, 422, "have 8"),
    ],
)
def test_what_it_cannot_read_is_refused(
    app: LiveApp, route: str, body: dict[str, Any], status: int, named: str
) -> None:
    response = app.post(route, body)
    assert response.status_code == status, response.text
    assert named in response.json()["detail"]


def test_the_collection_says_what_it_reads(app: LiveApp, shop: LiveApp) -> None:
    info = app.get("/v1/collections/shop").json()["feature_ranker"]
    assert info == {"depth": 20, "history_field": None, "item_fields": ["price"]}
    assert shop.get("/v1/collections/shop").json()["feature_ranker"] is None


def test_a_collection_without_says_so(shop: LiveApp) -> None:
    for route, body in (
        ("search", {"queries": [QUERY], "rerank": "feature_ranker"}),
        ("rerank", {"query": QUERY, "item_ids": ["a-00001"], "reranker": "feature_ranker"}),
    ):
        response = shop.post(route, body)
        assert (response.status_code, response.json()["code"]) == (409, "reranker-not-served")
        assert "has no feature ranker; train one" in response.json()["detail"]
