from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.hubness.config import METHODS
from index.store import activate
from index.version import open_current
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, wait_until
from tests.service.tiny import ids, titles, write_tiny_bundle

COUNT = 300


def _root(folder: Path, **hubness: Any) -> Path:
    """A workspace whose collection was built with a bias; queries are titles of two words."""
    collection = Workspace(folder).collection("shop")
    write_tiny_bundle(collection)
    items, queries = folder / "items.parquet", folder / "queries.parquet"
    pq.write_table(pa.table({"item_id": ids("a", COUNT), "title": titles(COUNT)}), items)
    pq.write_table(pa.table({"text": [title.rsplit(" ", 1)[0] for title in titles(400, seed=5)]}), queries)
    config = {"collection": "shop", "items": items, "hubness": {"queries": queries, **hubness}, "lexical": {}}
    activate(collection, build_index(collection, BuildConfig.model_validate(config)))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _root(tmp_path_factory.mktemp("hubs"))


@pytest.fixture(scope="module")
def hubs(root: Path) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


def _result(app: LiveApp, body: dict[str, Any]) -> dict[str, Any]:
    response = app.post("search", body)
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    result: dict[str, Any] = response.json()["results"][0]
    return result


def _scores(result: dict[str, Any]) -> list[float]:
    return [hit["score"] for hit in result["hits"]]


@pytest.mark.parametrize("method", METHODS[:2])
@pytest.mark.parametrize("extra", [{}, {"rerank": "exact", "depth": COUNT}])
def test_scores_are_those_of_the_vectors_plus_the_bias(
    hubs: LiveApp, root: Path, method: Any, extra: dict[str, Any]
) -> None:
    body = {"queries": [{"text": "red mug"}], "k": COUNT, "with": ["vector"], **extra}
    plain, corrected = _result(hubs, {**body, "hubness": "off"}), _result(hubs, {**body, "hubness": method})
    version = open_current(Workspace(root).collection("shop"))
    scores = {hit["item_id"]: hit["score"] for hit in plain["hits"]}
    found = [hit["item_id"] for hit in corrected["hits"]]
    assert set(found) == set(scores) and corrected["exhaustive"] and len(found) == COUNT
    bias = version.role().bias().of(method, version.ids.rows(found)[None])[0]
    expected = [scores[item_id] + one for item_id, one in zip(found, bias, strict=True)]
    np.testing.assert_allclose([hit["score"] for hit in corrected["hits"]], expected, atol=1e-5)
    assert found != list(scores)  # the order is another
    assert np.mean(bias) == pytest.approx(0, abs=1e-6)


def test_requests_that_differ_in_it_alone_are_answered_apart(hubs: LiveApp) -> None:
    bodies = [{"queries": [{"text": "red mug"}], "k": 5, "hubness": method} for method in ("off", *METHODS)] * 3
    together = [response.json()["results"][0] for response in hubs.post_all("search", bodies)]
    for body, found in zip(bodies, together, strict=True):  # equal titles may change places
        np.testing.assert_allclose(_scores(found), _scores(_result(hubs, body)), atol=1e-5)
    assert not np.allclose(_scores(together[0]), _scores(together[1]), atol=1e-3)


def test_an_item_is_no_hit_of_itself_and_limits_hold(hubs: LiveApp) -> None:
    for method in METHODS:
        body = {"item_ids": ["a-00007"], "k": 20, "hubness": method}
        assert "a-00007" not in [hit["item_id"] for hit in _result(hubs, body)["hits"]]
        limited = _result(hubs, {**body, "k": 4, "diversify": {"level": 1, "most": 1}, "with": ["semantic_id"]})
        codes = [hit["semantic_id"].split("-")[0] for hit in limited["hits"]]
        assert len(set(codes)) == len(codes)
        assert _scores(limited) == sorted(_scores(limited), reverse=True)


def test_scores_of_vectors_are_corrected_wherever_they_count(hubs: LiveApp) -> None:
    body = {"queries": [{"text": "red mug"}], "k": 10, "hubness": "inverted_softmax"}
    dense, rescored = _result(hubs, body), _result(hubs, {**body, "mode": "hybrid", "rerank": "exact", "depth": COUNT})
    np.testing.assert_allclose(_scores(rescored), _scores(dense), atol=1e-5)  # the vectors have the last word
    hybrid, plain = (_result(hubs, {**body, "mode": "hybrid", "hubness": how}) for how in (body["hubness"], "off"))
    assert _scores(hybrid) != _scores(plain)
    response = hubs.post("search", {**body, "mode": "lexical"})
    assert response.status_code == 422 and response.json()["detail"].startswith("hubness is about embeddings")


def test_what_the_build_says_is_done_unless_the_request_says_otherwise(tmp_path: Path) -> None:
    body = {"queries": [{"text": "red mug"}], "k": 10}
    with LiveApp(settings_for(_root(tmp_path, default="inverted_softmax"))) as app:
        app.ready()
        asked, default, off = (
            _result(app, {**body, **extra}) for extra in ({"hubness": "inverted_softmax"}, {}, {"hubness": "off"})
        )
        words = _result(app, {**body, "mode": "lexical"})
        item = {"item_ids": ["a-00007"], "k": 10}
        by_item, by_item_off = (_result(app, {**item, **extra}) for extra in ({}, {"hubness": "off"}))
        by_item_asked = _result(app, {**item, "hubness": "inverted_softmax"})
    assert default == asked != off
    assert by_item == by_item_off != by_item_asked  # the bank holds no items
    assert words["hits"]  # words have no hubs of vectors


def test_where_queries_are_items_searches_by_item_take_the_default(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection, queries_are="items", asking="title")
    pq.write_table(pa.table({"item_id": ids("a", COUNT), "title": titles(COUNT)}), tmp_path / "items.parquet")
    config = {"collection": "shop", "items": tmp_path / "items.parquet", "hubness": {"default": "inverted_softmax"}}
    activate(collection, build_index(collection, BuildConfig.model_validate(config)))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        for relation in ("similar", "complementary"):
            body = {"item_ids": ["a-00007"], "k": 10, "relation": relation}
            default, asked, off = (
                _result(app, {**body, **extra}) for extra in ({}, {"hubness": "inverted_softmax"}, {"hubness": "off"})
            )
            assert default == asked != off


def test_corrected_hits_are_not_taken_for_errors_of_the_index(root: Path) -> None:
    body = {"queries": [{"text": "red mug"}], "k": 5}
    with LiveApp(settings_for(root, live_recall={"core_share": 0.5})) as app:
        app.ready()
        for how in ("inverted_softmax", "off"):
            _result(app, {**body, "hubness": how})
        wait_until(lambda: 'tandem_index_recall{collection="shop"}' in app.get("/metrics").text)
        assert 'tandem_index_recall{collection="shop"} 1.0' in app.get("/metrics").text


def test_without_a_bias_only_off_is_served(shop: LiveApp) -> None:
    body = {"queries": [{"text": "red mug"}]}
    assert _result(shop, {**body, "hubness": "off"}) == _result(shop, body)
    response = shop.post("search", {**body, "hubness": "inverted_softmax"})
    assert (response.status_code, response.json()["code"]) == (409, "hubness-not-served")
    assert "[hubness] section" in response.json()["detail"]


def test_an_unknown_method_is_refused_by_name(shop: LiveApp) -> None:
    response = shop.post("search", {"queries": [{"text": "red mug"}], "hubness": "softmax"})
    assert response.status_code == 422 and "hubness" in response.json()["detail"]
