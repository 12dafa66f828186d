"""Searches of a collection whose queries are items, over a bundle whose two towers differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from bundle.store import Bundle, list_bundles, open_bundle
from bundle.workspace import Workspace
from index.store import activate
from service.schemas.collections import CollectionInfo
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, wait_until
from tests.service.tiny import DIMENSION, build_tiny_index, ids, make_collection, titles, write_tiny_bundle

COUNT = 50
ITEM_IDS = ids("a", COUNT)
RELATIONS = ("complementary", "similar")
FloatArray = NDArray[np.float32]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    collection = Workspace(root).collection("shop")
    write_tiny_bundle(collection, queries_are="items", asking="title")
    activate(collection, build_tiny_index(collection, root, ITEM_IDS))
    return root


@pytest.fixture(scope="module")
def pairs(root: Path) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


@pytest.fixture(scope="module")
def bundle(root: Path) -> Bundle:
    collection = Workspace(root).collection("shop")
    return open_bundle(collection, list_bundles(collection)[0])


@pytest.fixture(scope="module")
def found_by(root: Path, bundle: Bundle) -> dict[str, FloatArray]:
    """The vectors of all items by the relation that they are found in."""
    texts = pq.read_table(root / f"shop-{ITEM_IDS[0]}.parquet")["title"].to_pylist()
    records = [{"title": text} for text in texts]
    return {"complementary": bundle.item.embed(records), "similar": bundle.query.embed(records)}


def _hits(app: LiveApp, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    response = app.post("search", body)
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    return [result["hits"] for result in response.json()["results"]]


def _check_exact(hits: list[dict[str, Any]], scores_N: FloatArray, k: int, own: int | None = None) -> None:
    """Raise unless `hits` are the `k` best of `scores_N`, without the row `own`."""
    allowed_N = np.array(scores_N)
    if own is not None:
        allowed_N[own] = -np.inf
    np.testing.assert_allclose([hit["score"] for hit in hits], -np.sort(-allowed_N)[:k], atol=1e-5)
    rows = [ITEM_IDS.index(hit["item_id"]) for hit in hits]
    assert len(set(rows)) == k
    np.testing.assert_allclose(allowed_N[rows], [hit["score"] for hit in hits], atol=1e-5)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("rescoring", [{}, {"rerank": "exact", "depth": 30}], ids=["plain", "exact"])
def test_items_ask_with_the_query_towers_vectors_and_are_found_by_their_role(
    pairs: LiveApp, found_by: dict[str, FloatArray], relation: str, rescoring: dict[str, Any]
) -> None:
    body = {"item_ids": ["a-00003", "a-00007"], "k": 10, "relation": relation, "with": ["vector"], **rescoring}
    for row, hits in zip((3, 7), _hits(pairs, body), strict=True):
        _check_exact(hits, found_by[relation] @ found_by["similar"][row], 10, own=row)
        rows = [ITEM_IDS.index(hit["item_id"]) for hit in hits]
        np.testing.assert_allclose([hit["vector"] for hit in hits], found_by[relation][rows], atol=1e-6)


@pytest.mark.parametrize("relation", [None, *RELATIONS])
def test_an_item_that_the_catalogue_lacks_asks_as_a_record_or_a_vector(
    pairs: LiveApp, bundle: Bundle, found_by: dict[str, FloatArray], relation: str | None
) -> None:
    assert "old green chair" not in titles(COUNT)
    query_1D = bundle.query.embed([{"title": "old green chair"}])
    given = {} if relation is None else {"relation": relation}
    bodies: list[dict[str, Any]] = [{"queries": [{"title": "old green chair"}]}, {"vectors": query_1D.tolist()}]
    for body in bodies:
        (hits,) = _hits(pairs, {**body, "k": 8, **given})
        _check_exact(hits, found_by[relation or "complementary"] @ query_1D[0], 8)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(
    ("source", "available"), [({"item_ids": ["a-00000"]}, 49), ({"queries": [{"title": "mug"}]}, 50)]
)
def test_k_above_the_corpus_gives_all_others_and_says_so(
    pairs: LiveApp, relation: str, source: dict[str, Any], available: int
) -> None:
    result = pairs.post("search", {**source, "k": 100, "relation": relation}).json()["results"][0]
    found = {hit["item_id"] for hit in result["hits"]}
    assert (len(found), result["exhaustive"]) == (available, True)
    assert ("a-00000" in found) == (available == COUNT)
    fewer = pairs.post("search", {**source, "k": available - 1, "relation": relation}).json()["results"][0]
    assert (len(fewer["hits"]), fewer["exhaustive"]) == (available - 1, False)


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_limit_of_hits_a_prefix_holds_within_the_relation(
    pairs: LiveApp, found_by: dict[str, FloatArray], relation: str
) -> None:
    body = {"item_ids": ["a-00003"], "relation": relation, "k": 6, "diversify": {"level": 1, "most": 2}}
    (hits,) = _hits(pairs, body | {"with": ["semantic_id"]})
    scores_N = found_by[relation] @ found_by["similar"][3]
    codes = pairs.post("semantic-ids", {"item_ids": ITEM_IDS[:16]}).json()["semantic_ids"]
    for start in (16, 32, 48):
        codes += pairs.post("semantic-ids", {"item_ids": ITEM_IDS[start : start + 16]}).json()["semantic_ids"]
    kept: list[int] = []
    for row in np.argsort(-scores_N, kind="stable").tolist():
        alike = [one for one in kept if codes[one]["codes"][0] == codes[row]["codes"][0]]
        if row != 3 and len(alike) < 2:
            kept.append(row)
    np.testing.assert_allclose([hit["score"] for hit in hits], scores_N[kept[:6]], atol=1e-5)


def test_a_search_by_item_must_say_which_relation(pairs: LiveApp) -> None:
    response = pairs.post("search", {"item_ids": ["a-00000"]})
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert '"relation": "similar" or "relation": "complementary"' in response.json()["detail"]
    response = pairs.post("search", {"item_ids": ["a-00000"], "relation": "alike"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert "relation" in response.json()["detail"]


def test_searches_of_both_relations_that_are_joined_keep_apart(pairs: LiveApp) -> None:
    bodies: list[dict[str, object]] = [
        {"item_ids": [item_id], "k": 5, "relation": relation} for item_id in ITEM_IDS[:20] for relation in RELATIONS
    ]
    for body, response in zip(bodies, pairs.post_all("search", bodies), strict=True):
        alone = pairs.post("search", body).json()["results"][0]["hits"]
        together = response.json()["results"][0]["hits"]
        np.testing.assert_allclose([h["score"] for h in together], [h["score"] for h in alone], atol=1e-5)


def test_rerank_scores_what_goes_with_the_record(pairs: LiveApp, found_by: dict[str, FloatArray]) -> None:
    (hits,) = _hits(pairs, {"queries": [{"title": "red mug"}], "k": COUNT})
    wanted = {hit["item_id"]: hit["score"] for hit in hits}
    by_id = pairs.post("rerank", {"query": {"title": "red mug"}, "item_ids": ITEM_IDS[:20]}).json()["hits"]
    np.testing.assert_allclose([h["score"] for h in by_id], [wanted[h["item_id"]] for h in by_id], atol=1e-5)
    records = [{"title": text} for text in titles(COUNT)[:20]]
    by_record = pairs.post("rerank", {"query": {"title": "red mug"}, "items": records}).json()["hits"]
    np.testing.assert_allclose([h["score"] for h in by_record], [h["score"] for h in by_id], atol=1e-5)


def test_the_collection_tells_its_relations_with_their_index_recall(pairs: LiveApp, shop: LiveApp) -> None:
    info = CollectionInfo.model_validate(pairs.get("/v1/collections/shop").json())
    assert (info.queries_are, info.relations) == ("items", {"complementary": 1.0, "similar": 1.0})
    assert {"index.faiss", "in/index.faiss", "in/vectors.npy"} < info.fingerprints.keys()
    other = CollectionInfo.model_validate(shop.get("/v1/collections/shop").json())
    assert (other.queries_are, other.relations) == ("queries", {"similar": 1.0})


@pytest.mark.parametrize("source", [{"item_ids": ["a-00003"]}, {"vectors": [[1.0] * DIMENSION]}])
def test_a_collection_of_queries_has_similar_items_and_no_others(shop: LiveApp, source: dict[str, Any]) -> None:
    assert _hits(shop, {**source, "relation": "similar"}) == _hits(shop, source)
    response = shop.post("search", {**source, "relation": "complementary"})
    assert (response.status_code, response.json()["code"]) == (409, "relation-not-served")
    served = shop.get("/v1/collections/shop").json()["bundle_id"]
    assert served in response.json()["detail"] and "train a bundle" in response.json()["detail"]


def test_a_query_record_that_is_no_item_has_no_relation(shop: LiveApp) -> None:
    response = shop.post("search", {"queries": [{"text": "mug"}], "relation": "similar"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert "leave it out" in response.json()["detail"]


def test_a_swap_between_a_bundle_of_queries_and_one_of_items_changes_both_roles_at_once(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    _, plain = make_collection(collection, tmp_path, count=5)
    bundle_id = write_tiny_bundle(collection, queries_are="items", asking="title")
    twofold = build_tiny_index(collection, tmp_path, ids("b", 5), bundle_id)
    ask = {"item_ids": ["b-00001"], "relation": "complementary"}
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        assert app.post("search", ask | {"item_ids": ["a-00001"]}).status_code == 409
        activate(collection, twofold)
        wait_until(lambda: app.get("/v1/collections/shop").json()["index_version"] == twofold)
        assert len(_hits(app, ask)[0]) == len(_hits(app, ask | {"relation": "similar"})[0]) == 4
        activate(collection, plain)
        wait_until(lambda: app.get("/v1/collections/shop").json()["index_version"] == plain)
        assert app.post("search", ask | {"item_ids": ["a-00001"]}).status_code == 409
        assert len(_hits(app, {"item_ids": ["a-00001"]})[0]) == 4
