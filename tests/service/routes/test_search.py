from typing import Any

import numpy as np
import pytest

from service.operations.search import Source
from service.routes.search import _depth
from service.schemas.search import SearchAnswer, SearchRequest
from service.settings import Settings
from tests.service.running import LiveApp
from tests.service.tiny import DIMENSION, ids, titles


def _hits(shop: LiveApp, body: dict[str, object]) -> list[dict[str, Any]]:
    response = shop.post("search", body)
    assert response.status_code == 200, response.text
    answer = response.json()
    SearchAnswer.model_validate(answer)
    hits: list[dict[str, Any]] = answer["results"][0]["hits"]
    return hits


def _vector(shop: LiveApp, text: str) -> list[float]:
    vector: list[float] = shop.post("embed", {"records": [{"text": text}]}).json()["embeddings"][0]
    return vector


def test_a_record_finds_the_item_of_the_same_text(shop: LiveApp) -> None:
    hits = _hits(shop, {"queries": [{"text": titles(50)[7]}], "k": 3, "with": ["attributes", "semantic_id", "vector"]})
    assert len(hits) == 3
    assert hits[0]["score"] == pytest.approx(1, abs=1e-5)
    assert hits[0]["attributes"]["title"].split() and "price" in hits[0]["attributes"]
    np.testing.assert_allclose(hits[0]["vector"], _vector(shop, titles(50)[7]), atol=1e-5)
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_record_and_its_vector_find_the_same(shop: LiveApp) -> None:
    by_record = _hits(shop, {"queries": [{"text": "red mug"}], "k": 5})
    by_vector = _hits(shop, {"vectors": [_vector(shop, "red mug")], "k": 5})
    assert [h["item_id"] for h in by_record] == [h["item_id"] for h in by_vector]


def test_an_item_is_no_hit_of_itself_and_k_holds(shop: LiveApp) -> None:
    hits = _hits(shop, {"item_ids": ["a-00003"], "k": 10})
    assert len(hits) == 10
    assert "a-00003" not in [h["item_id"] for h in hits]


def test_every_query_has_its_own_result_in_order(shop: LiveApp) -> None:
    answer = shop.post("search", {"item_ids": ["a-00001", "a-00002"], "k": 2}).json()
    for item_id, result in zip(["a-00001", "a-00002"], answer["results"], strict=True):
        assert result["hits"] == _hits(shop, {"item_ids": [item_id], "k": 2})


@pytest.mark.parametrize(
    ("source", "available"), [({"queries": [{"text": "mug"}]}, 50), ({"item_ids": ["a-00000"]}, 49)]
)
def test_k_above_the_corpus_gives_all_and_says_so(shop: LiveApp, source: dict[str, object], available: int) -> None:
    result = shop.post("search", {**source, "k": 100}).json()["results"][0]
    assert len(result["hits"]) == available
    assert result["exhaustive"] is True
    assert len({hit["item_id"] for hit in result["hits"]}) == available
    fewer = shop.post("search", {**source, "k": available - 1}).json()["results"][0]
    assert (len(fewer["hits"]), fewer["exhaustive"]) == (available - 1, False)


def test_exact_rescoring_keeps_hits_of_a_flat_index(shop: LiveApp) -> None:
    plain = _hits(shop, {"queries": [{"text": "old lamp"}], "k": 5})
    exact = _hits(shop, {"queries": [{"text": "old lamp"}], "k": 5, "rerank": "exact", "depth": 20})
    assert {h["item_id"] for h in plain} == {h["item_id"] for h in exact}
    np.testing.assert_allclose([h["score"] for h in plain], [h["score"] for h in exact], atol=1e-6)


def test_answers_name_what_made_them(shop: LiveApp) -> None:
    answer = shop.post("search", {"queries": [{"text": "mug"}]}).json()
    served = shop.get("/v1/collections/shop").json()
    for name in ("collection", "bundle_id", "index_version"):
        assert answer[name] == served[name]


ONE = [0.0] * DIMENSION
BAD: list[tuple[object, int, str]] = [
    ({}, 422, "exactly one"),
    ({"queries": [{"text": "a"}], "vectors": [ONE]}, 422, "all given"),
    ({"queries": [{"text": "a"}], "filters": {}}, 422, "filters: unknown field"),
    ({"queries": [{"text": "a"}], "k": -1}, 422, "k: "),
    ({"queries": [{"text": "a"}], "k": 101}, 422, "k is 101"),
    ({"queries": [{"text": "a"}], "k": 10**30}, 422, "k"),
    ({"queries": []}, 422, "queries: "),
    ({"queries": [{"text": "a"}, {"txt": "b"}]}, 422, "record 1 has unknown fields 'txt'"),
    ({"queries": [{"text": "a"}, {}]}, 422, "record 1"),
    ({"queries": [{"text": 5}]}, 422, "text"),
    ({"queries": [{"text": "mug"}, {"text": " \u0007"}]}, 422, "record 1, feature 'text'"),
    ({"queries": [{"text": "a"}] * 17}, 413, "queries has 17 entries"),
    ({"item_ids": ["a-00001"] * 11, "k": 100}, 413, "11 queries x 100 hits or candidates are 1100, at most 1000"),
    ({"item_ids": ["a-00001"] * 6, "k": 1, "rerank": "exact", "depth": 200}, 413, "are 1200, at most 1000"),
    ({"vectors": [ONE[:-1]]}, 422, r"vectors[0] has 7 numbers"),
    ({"vectors": [ONE, "x"]}, 422, "vectors[1]"),
    ({"vectors": "x"}, 422, "vectors: "),
    ({"item_ids": ["a-00001", "nope"]}, 404, "'nope'"),
    ({"item_ids": ["\u0000"]}, 404, "does not hold"),
    ({"item_ids": ["x" * 2000]}, 422, "item_ids[0]"),
    ({"queries": [{"text": "a"}], "depth": 20}, 422, "depth is given without rerank"),
    ({"queries": [{"text": "a"}], "rerank": "exact", "depth": 2}, 422, "depth is 2"),
    ({"queries": [{"text": "a"}], "rerank": "cross"}, 422, "rerank: "),
    ({"queries": [{"text": "a"}], "params": {"ef_search": 3}}, 422, "ef_search"),
    ({"queries": [{"text": "a"}], "params": {"ef_search": 2**62}}, 422, "ef_search"),
    ({"queries": [{"text": "a"}], "with": ["price"]}, 422, "with[0]"),
    ([], 422, "must be a JSON object"),
    ("x", 422, "must be a JSON object"),
]


@pytest.mark.parametrize(("body", "status", "named"), BAD)
def test_bad_input_is_named(shop: LiveApp, body: object, status: int, named: str) -> None:
    response = (
        shop.post("search", body) if not _is_huge(body) else shop.post("search", content=b'{"k": 1' + b"0" * 30 + b"}")
    )
    problem = response.json()
    assert response.status_code == status, problem
    assert named in problem["detail"]
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == response.headers["x-request-id"]


def _is_huge(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("k"), int) and body["k"] > 2**63


@pytest.mark.parametrize("text", ["naïve café ☕", "日本語", "a\u202e\u0007", "a" * 50_000, "'; DROP TABLE"])
def test_any_text_is_searched(shop: LiveApp, text: str) -> None:
    assert len(_hits(shop, {"queries": [{"text": text}], "k": 3})) == 3


@pytest.mark.parametrize(
    "content", [b"{", b"", b"\xff\xfe", b'{"vectors": [[NaN]]}', b'{"queries": [{"text": "\\ud800"}]}']
)
def test_malformed_bodies(shop: LiveApp, content: bytes) -> None:
    response = shop.post("search", content=content)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


def test_unknown_collection_lists_what_is_served(shop: LiveApp) -> None:
    response = shop.post("search", {}, collection="other")
    assert response.status_code == 404
    assert "there are: shop" in response.json()["detail"]


def test_concurrent_answers_equal_serial_ones(shop: LiveApp) -> None:
    words = titles(40, seed=3)
    bodies: list[dict[str, object]] = [{"queries": [{"text": word}], "k": 1 + i % 5} for i, word in enumerate(words)]
    bodies += [{"item_ids": [item_id], "k": 4} for item_id in ids("a", 20)]
    bodies += [{"queries": [{"bad": 1}]}, {"item_ids": ["nope"]}]
    together = shop.post_all("search", bodies)
    for body, response in zip(bodies, together, strict=True):
        alone = shop.post("search", body)
        assert response.status_code == alone.status_code
        if response.status_code != 200:
            assert response.json()["detail"] == alone.json()["detail"]
            continue
        ours, other = response.json()["results"][0]["hits"], alone.json()["results"][0]["hits"]
        np.testing.assert_allclose([h["score"] for h in ours], [h["score"] for h in other], atol=1e-5)
        tied = len({round(h["score"], 4) for h in other}) < len(other)
        assert tied or [h["item_id"] for h in ours] == [h["item_id"] for h in other]


@pytest.mark.parametrize(
    ("device", "source", "depth"),
    [("cpu", "queries", 4000), ("cuda", "queries", 2048), ("cuda", "item_ids", 2047)],
)
def test_the_default_depth_stays_within_what_a_gpu_takes(device: str, source: Source, depth: int) -> None:
    settings = Settings.model_validate({"index_device": device})
    assert _depth(SearchRequest.model_validate({"k": 1000, "rerank": "exact"}), source, settings) == depth


def test_an_answer_tells_how_long_each_stage_took(shop: LiveApp) -> None:
    response = shop.post("search", {"queries": [{"text": "old lamp"}]})
    stages = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert {"queue", "featurize", "encode", "search"} <= stages.keys()
    assert all(float(milliseconds) >= 0 for milliseconds in stages.values())
