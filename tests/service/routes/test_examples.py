from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.workspace import Workspace
from index.store import activate
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, titles, write_tiny_bundle

A, B, C = "a-00003", "a-00011", "a-00020"
RECORD = {"text": "red mug"}


def _results(shop: LiveApp, *examples: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    response = shop.post("search", {"examples": list(examples), **body})
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def _scores(result: dict[str, Any]) -> dict[str, float]:
    return {hit["item_id"]: hit["score"] for hit in result["hits"]}


def _plain(shop: LiveApp, source: dict[str, Any]) -> dict[str, float]:
    """The score of every item for one plain query."""
    return _scores(shop.post("search", {**source, "k": 50}).json()["results"][0])


def test_the_score_is_the_least_of_all_and_the_largest_of_any(shop: LiveApp) -> None:
    both, either, mixed = _results(
        shop, {"all_of": [A, RECORD]}, {"any_of": [A, RECORD]}, {"all_of": [RECORD], "any_of": [A, B]}, k=50
    )
    a, b, record = (_plain(shop, q) for q in ({"item_ids": [A]}, {"item_ids": [B]}, {"queries": [RECORD]}))
    assert set(_scores(both)) == set(a) and both["exhaustive"]
    for item_id, score in _scores(both).items():
        assert score == pytest.approx(min(a[item_id], record[item_id]), abs=1e-5)
        assert _scores(either)[item_id] == pytest.approx(max(a[item_id], record[item_id]), abs=1e-5)
    assert set(_scores(mixed)) == set(ids("a", 50)) - {A, B}
    for item_id, score in _scores(mixed).items():
        assert score == pytest.approx(min(record[item_id], max(a[item_id], b[item_id])), abs=1e-5)
    for result in (both, either, mixed):
        assert list(_scores(result).values()) == sorted(_scores(result).values(), reverse=True)


def test_none_of_takes_out_what_it_has_and_no_named_item_is_a_hit(shop: LiveApp) -> None:
    (result,) = _results(shop, {"any_of": [A], "none_of": [B, RECORD]}, k=50, **{"with": ["vector"]})
    assert set(_scores(result)) == set(ids("a", 50)) - {A, B}
    vectors = {A: None, B: None, **{hit["item_id"]: hit["vector"] for hit in result["hits"]}}
    embedded = shop.post("embed", {"records": [RECORD, {"text": titles(50)[3]}, {"text": titles(50)[11]}]})
    record, a, b = np.array(embedded.json()["embeddings"])
    basis = np.linalg.qr(np.stack([b, record], axis=1))[0]
    left = a - basis @ (basis.T @ a)
    for item_id, score in _scores(result).items():
        assert score == pytest.approx(float(np.array(vectors[item_id]) @ left / np.linalg.norm(left)), abs=1e-4)


def test_one_example_finds_what_the_plain_query_finds(shop: LiveApp) -> None:
    by_item, by_record = _results(shop, {"all_of": [C]}, {"any_of": [RECORD]}, k=50)
    for result, source in ((by_item, {"item_ids": [C]}), (by_record, {"queries": [RECORD]})):
        plain = _plain(shop, source)
        assert _scores(result) == pytest.approx(plain, abs=1e-5)


def test_k_hits_come_back_and_exhaustive_is_told(shop: LiveApp) -> None:
    query = {"all_of": [A], "none_of": [B]}
    for k, is_exhaustive in ((5, False), (47, False), (48, True), (60, True)):
        (result,) = _results(shop, query, k=k)
        assert (len(result["hits"]), result["exhaustive"]) == (min(k, 48), is_exhaustive)


@pytest.mark.parametrize("extra", [{"rerank": "exact"}, {"rerank": "exact", "depth": 50}])
def test_depth_is_candidates_of_each_example(shop: LiveApp, extra: dict[str, Any]) -> None:
    query = {"any_of": [A, B]}
    (plain,), (deep,) = _results(shop, query, k=5), _results(shop, query, k=5, **extra)
    assert _scores(plain) == pytest.approx(_scores(deep), abs=1e-6)


@pytest.mark.parametrize("grouped", [False, True])
def test_limits_by_prefix_hold(shop: LiveApp, grouped: bool) -> None:
    query, limit = {"any_of": [A, B], "none_of": [C]}, {"level": 1, "most": 2}
    everything = _results(shop, query, k=50, **{"with": ["semantic_id"]})[0]["hits"]
    (result,) = _results(shop, query, k=3, **{"group_by" if grouped else "diversify": limit, "with": ["semantic_id"]})
    hits = [hit for group in result["groups"] for hit in group["hits"]] if grouped else result["hits"]
    taken: dict[str, list[float]] = {}
    for hit in everything:
        taken.setdefault(hit["semantic_id"].split("-")[0], []).append(hit["score"])
    allowed = sorted((score for scores in taken.values() for score in scores[:2]), reverse=True)
    if grouped:
        best = sorted(taken.values(), reverse=True)[:3]
        assert [hit["score"] for hit in hits] == pytest.approx([s for scores in best for s in scores[:2]], abs=1e-6)
    else:
        assert [hit["score"] for hit in hits] == pytest.approx(allowed[:3], abs=1e-6)


def test_requests_that_are_joined_keep_their_own_answers_and_faults(shop: LiveApp) -> None:
    bodies: list[dict[str, Any]] = [
        {"examples": [{"all_of": [A, RECORD]}, {"any_of": [RECORD, {"text": "lamp"}]}]},
        {"examples": [{"all_of": [A]}, {"any_of": [RECORD, {"txt": "lamp"}]}]},
        {"examples": [{"any_of": [B], "none_of": ["nobody"]}]},
        {"examples": [{"all_of": [B, C]}]},
        {"examples": [{"any_of": [A], "none_of": [{"text": titles(50)[3]}]}]},
    ]
    responses = shop.post_all("search", bodies * 3)
    for i, response in enumerate(responses):
        alone = shop.post("search", bodies[i % 5])
        assert response.status_code == alone.status_code == [200, 422, 404, 200, 422][i % 5]
        if response.status_code == 200:
            for found, wanted in zip(response.json()["results"], alone.json()["results"], strict=True):
                assert list(_scores(found).values()) == pytest.approx(list(_scores(wanted).values()), abs=1e-5)
        else:
            assert response.json()["detail"] == alone.json()["detail"]
    assert responses[1].json()["detail"].startswith("examples[1].any_of[1] has unknown fields 'txt'")
    assert "'nobody'" in responses[2].json()["detail"]
    assert responses[4].json()["code"] == "contradictory-examples"
    assert responses[4].json()["detail"].startswith("examples[0].any_of[0] has nothing")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"examples": []}, "examples"),
        ({"examples": [{}]}, "examples[0] has neither all_of nor any_of"),
        ({"examples": [{"all_of": [A]}, {"none_of": [A]}]}, "examples[1] has neither all_of nor any_of"),
        ({"examples": [{"all_of": [A, B], "none_of": [B]}]}, f"examples[0] has '{B}' both in all_of and in none_of"),
        ({"examples": [{"any_of": [RECORD], "none_of": [RECORD]}]}, "the same record both in any_of and in none_of"),
        ({"examples": [{"all_of": [A], "most_of": [B]}]}, "examples[0].most_of: unknown field"),
        ({"examples": [{"all_of": [3]}]}, "examples[0].all_of[0]"),
        ({"examples": [{"all_of": [""]}]}, "examples[0].all_of[0]"),
        ({"examples": [{"all_of": [A]}], "item_ids": [A]}, "exactly one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(shop: LiveApp, body: dict[str, Any], detail: str) -> None:
    response = shop.post("search", body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert detail in response.json()["detail"]


def test_all_examples_together_count_against_the_limit(shop: LiveApp) -> None:
    response = shop.post("search", {"examples": [{"all_of": [A] * 9, "none_of": [A]}, {"any_of": [B] * 7}]})
    assert response.status_code == 413 and "examples has 17 entries, at most 16" in response.json()["detail"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    root: Path = tmp_path_factory.mktemp("pairs")
    collection = Workspace(root).collection("shop")
    bundle = write_tiny_bundle(collection, queries_are="items", asking="title")
    activate(collection, build_tiny_index(collection, root, ids("a", 50), bundle))
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


def test_where_there_are_two_relations_one_must_be_named(pairs: LiveApp) -> None:
    query = {"examples": [{"all_of": [A, {"title": "red mug"}]}], "k": 50}
    response = pairs.post("search", query)
    assert response.status_code == 422 and "examples without relation" in response.json()["detail"]
    for relation in ("similar", "complementary"):
        (result,) = pairs.post("search", {**query, "relation": relation}).json()["results"]
        a = _plain(pairs, {"item_ids": [A], "relation": relation})
        record = _plain(pairs, {"queries": [{"title": "red mug"}], "relation": relation})
        expected = {item_id: min(score, record[item_id]) for item_id, score in a.items()}
        assert _scores(result) == pytest.approx(expected, abs=1e-5)
