"""Reranking and search by a cross-encoder that counts the words an item shares with the query."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.cur.kinds import AnncurKind
from index.lexical.build import LexicalConfig
from index.store import activate
from service.schemas.rerank import RerankAnswer
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import WORDS, build_tiny_index, ids, titles, write_tiny_bundle
from tests.training.tiny_model import PIECES

COUNT = 50
TITLES = dict(zip(ids("a", COUNT), titles(COUNT), strict=True))
QUERY = {"text": "red mug"}
READ = {"reranker": "cross_encoder"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    """`shop` searches with the cross-encoder, `half` was built without."""
    root = tmp_path_factory.mktemp("workspace")
    pq.write_table(pa.table({"text": WORDS}), root / "queries.parquet")
    for name in ("shop", "half"):
        collection = Workspace(root).collection(name)
        write_tiny_bundle(collection, reranker=["title"])
        activate(collection, build_tiny_index(collection, root, ids("a", COUNT)))
    kind = AnncurKind(queries=root / "queries.parquet", n_items=6, n_queries=20)
    items = root / "shop-a-00000.parquet"
    config = BuildConfig(collection="shop", items=items, cross_encoder_search=kind, lexical=LexicalConfig())
    shop = Workspace(root).collection("shop")
    activate(shop, build_index(shop, config))
    limits = {"max_reranked_pairs": 120, "max_k": 100, "max_depth": 200, "max_hits": 1000}
    with LiveApp(settings_for(root, limits=limits)) as app:
        yield app.ready()


def overlap(query: str, title: str) -> float:
    """The graph's score: shared word pieces and the separator, less a hundredth a piece of the item."""
    return sum(pieces_of(query).count(piece) for piece in pieces_of(title)) + 1 - 0.01 * (len(pieces_of(title)) + 1)


def pieces_of(text: str) -> list[str]:
    """As the tiny tokenizer cuts it: known words whole, others in letters."""
    return [
        piece
        for word in text.split()
        for piece in ([word] if word in PIECES else [word[0], *(f"##{letter}" for letter in word[1:])])
    ]


def best(k: int, query: str = QUERY["text"]) -> list[float]:
    """The k best scores over the whole catalogue."""
    return sorted((overlap(query, title) for title in TITLES.values()), reverse=True)[:k]


def hits_of(app: LiveApp, **body: Any) -> list[dict[str, Any]]:
    answer = app.post("search", {"queries": [QUERY], **body}).json()
    SearchAnswer.model_validate(answer)
    hits: list[dict[str, Any]] = answer["results"][0]["hits"]
    return hits


def test_rerank_orders_items_of_the_corpus_and_records(app: LiveApp) -> None:
    answer = app.post("rerank", {"query": QUERY, "item_ids": ids("a", 30), "reranker": "cross_encoder"}).json()
    RerankAnswer.model_validate(answer)
    for hit in answer["hits"]:
        assert hit["score"] == pytest.approx(overlap(QUERY["text"], TITLES[hit["item_id"]]), abs=1e-5)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    items = [{"title": "blue lamp"}, {"title": "red mug", "item_id": "mine"}]
    hits = app.post("rerank", {"query": QUERY, "items": items, "reranker": "cross_encoder", "k": 1}).json()["hits"]
    assert [(hit["index"], hit["item_id"]) for hit in hits] == [(1, "mine")]


def test_search_reranks_what_the_towers_found(app: LiveApp) -> None:
    found = hits_of(app, k=20)
    hits = hits_of(app, k=5, rerank="cross_encoder", depth=20)
    wanted = sorted((overlap(QUERY["text"], TITLES[hit["item_id"]]) for hit in found), reverse=True)[:5]
    assert [hit["score"] for hit in hits] == pytest.approx(wanted, abs=1e-5)
    assert {hit["item_id"] for hit in hits} <= {hit["item_id"] for hit in found}
    assert [hit["score"] for hit in hits_of(app, k=5, rerank="cross_encoder", depth=50)] == pytest.approx(best(5))


def test_it_reranks_hits_by_words_alone_and_with_embeddings(app: LiveApp) -> None:
    worded = [title for title in TITLES.values() if {"red", "mug"} & set(title.split())]
    for mode, found in (("lexical", worded), ("hybrid", list(TITLES.values()))):
        hits = hits_of(app, k=50, mode=mode, rerank="cross_encoder", depth=50)
        wanted = sorted((overlap(QUERY["text"], title) for title in found), reverse=True)
        assert [hit["score"] for hit in hits] == pytest.approx(wanted, abs=1e-5)


def test_search_by_the_cross_encoder_spends_its_budget(app: LiveApp) -> None:
    hits = hits_of(app, k=3, mode="cross_encoder", budget=25)
    for hit in hits:
        assert hit["score"] == pytest.approx(overlap(QUERY["text"], TITLES[hit["item_id"]]), abs=1e-5)
    assert hits[0]["score"] == pytest.approx(best(1)[0])
    whole = hits_of(app, k=50, mode="cross_encoder", budget=50)
    assert [hit["score"] for hit in whole] == pytest.approx(best(50), abs=1e-5)


def test_requests_that_are_joined_get_their_own_answers_and_errors(app: LiveApp) -> None:
    texts = ["old chair", "\t", "red mug", "blue lamp"]
    bodies = [{"queries": [{"text": text}], "k": 2, "rerank": "cross_encoder", "depth": 50} for text in texts]
    answers = app.post_all("search", bodies)
    assert [answer.status_code for answer in answers] == [200, 422, 200, 200]
    assert answers[1].json()["code"] == "invalid-record"
    for place in (0, 2, 3):
        hits = answers[place].json()["results"][0]["hits"]
        assert [hit["score"] for hit in hits] == pytest.approx(best(2, texts[place]), abs=1e-5)


@pytest.mark.parametrize(
    ("route", "body", "status", "named"),
    [
        ("search", {"item_ids": ["a-00001"], "rerank": "cross_encoder"}, 422, "in place of item_ids"),
        ("search", {"item_ids": ["a-00001"], "mode": "cross_encoder"}, 422, "in place of item_ids"),
        ("search", {"queries": [QUERY], "mode": "cross_encoder", "rerank": "exact"}, 422, "leave rerank out"),
        (
            "search",
            {"queries": [QUERY], "mode": "cross_encoder", "hubness": "inverted_softmax"},
            422,
            "hubness",
        ),
        ("search", {"queries": [QUERY], "budget": 20}, 422, "budget is given without"),
        ("search", {"queries": [QUERY], "mode": "cross_encoder", "k": 5, "budget": 6}, 422, "at least 7"),
        ("search", {"queries": [QUERY], "mode": "cross_encoder", "k": 9, "budget": 8}, 422, "at least 9"),
        ("search", {"queries": [QUERY] * 2, "mode": "cross_encoder"}, 413, "2 queries x 100 items are 200 pairs"),
        ("search", {"queries": [QUERY] * 4, "rerank": "cross_encoder"}, 413, "4 queries x 40 items are 160 pairs"),
        (
            "search",
            {"queries": [QUERY], "rerank": "cross_encoder", "diversify": {"level": 1, "most": 1}},
            422,
            "diversify and group_by",
        ),
        (
            "rerank",
            {"vector": [0.0] * 8, "item_ids": ["a-00001"], "reranker": "cross_encoder"},
            422,
            "in place of vector",
        ),
        ("rerank", {"query": QUERY, "item_ids": ["nope"], "reranker": "cross_encoder"}, 404, "nope"),
        ("rerank", {"query": QUERY, "items": [{"colour": "red"}], "reranker": "cross_encoder"}, 422, "colour"),
        (
            "rerank",
            {"query": QUERY, "items": [{"title": None}], "reranker": "cross_encoder"},
            422,
            "record 0 has nothing",
        ),
        ("rerank", {"query": {"nope": 1}, "item_ids": ["a-00001"], "reranker": "cross_encoder"}, 422, "nope"),
    ],
)
def test_what_it_cannot_read_is_refused(
    app: LiveApp, route: str, body: dict[str, Any], status: int, named: str
) -> None:
    response = app.post(route, body)
    assert response.status_code == status, response.text
    assert named in response.json()["detail"]


def test_the_collection_says_what_the_cross_encoder_reads(app: LiveApp, shop: LiveApp) -> None:
    info = app.get("/v1/collections/shop").json()["cross_encoder"]
    assert info == {"query_fields": ["text"], "item_fields": ["title"], "search": "anncur"}
    assert app.get("/v1/collections/half").json()["cross_encoder"]["search"] is None
    assert shop.get("/v1/collections/shop").json()["cross_encoder"] is None


def test_a_collection_without_says_so(app: LiveApp, shop: LiveApp) -> None:
    for request in ({"rerank": "cross_encoder"}, {"mode": "cross_encoder"}):
        response = shop.post("search", {"queries": [QUERY], **request})
        assert (response.status_code, response.json()["code"]) == (409, "reranker-not-served")
    response = shop.post("rerank", {"query": QUERY, "item_ids": ["a-00001"], "reranker": "cross_encoder"})
    assert "has no cross-encoder; train one" in response.json()["detail"]
    response = app.post("search", {"queries": [QUERY], "mode": "cross_encoder"}, collection="half")
    assert (response.status_code, response.json()["code"]) == (409, "reranker-not-served")
    assert "built without search by the cross-encoder" in response.json()["detail"]
