from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bundle.workspace import Workspace
from index.store import activate
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, titles, write_tiny_bundle

QUERY = {"queries": [{"text": titles(50)[7]}]}


def _result(shop: LiveApp, body: dict[str, Any]) -> dict[str, Any]:
    response = shop.post("search", body)
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    result: dict[str, Any] = response.json()["results"][0]
    return result


def _ranking(shop: LiveApp, source: dict[str, Any], level: int) -> list[tuple[str, float]]:
    """Prefix and score of every item, best first."""
    hits = _result(shop, {**source, "k": 50, "with": ["semantic_id"]})["hits"]
    return [("-".join(_codes(hit)[:level]), hit["score"]) for hit in hits]


def _codes(hit: dict[str, Any]) -> list[str]:
    codes: list[str] = hit["semantic_id"].partition("+")[0].split("-")
    return codes


@pytest.mark.parametrize("rerank", [{}, {"rerank": "exact"}, {"rerank": "exact", "depth": 30}])
@pytest.mark.parametrize("source", [QUERY, {"item_ids": ["a-00003"]}])
@pytest.mark.parametrize(("level", "most", "k"), [(1, 2, 6), (1, 1, 30), (2, 1, 9), (2, 3, 30)])
def test_hits_are_the_best_that_the_limit_allows(
    shop: LiveApp, source: dict[str, Any], level: int, most: int, k: int, rerank: dict[str, Any]
) -> None:
    body = {**source, **rerank, "k": k, "with": ["semantic_id"], "diversify": {"level": level, "most": most}}
    result = _result(shop, body)
    taken: Counter[str] = Counter()
    allowed = []
    for prefix, score in _ranking(shop, source, level):
        taken[prefix] += 1
        if taken[prefix] <= most:
            allowed.append(score)
    assert [hit["score"] for hit in result["hits"]] == pytest.approx(allowed[:k], abs=1e-6)
    assert max(Counter("-".join(_codes(hit)[:level]) for hit in result["hits"]).values()) <= most
    assert result["exhaustive"] == (len(allowed) <= k)
    assert "groups" not in result


@pytest.mark.parametrize(("level", "most", "k"), [(1, 3, 2), (1, 1, 9), (2, 2, 5)])
def test_groups_are_whole_and_in_the_order_of_their_best_hit(shop: LiveApp, level: int, most: int, k: int) -> None:
    result = _result(shop, {**QUERY, "k": k, "group_by": {"level": level, "most": most}, "with": ["semantic_id"]})
    below: dict[str, list[float]] = {}
    for prefix, score in _ranking(shop, QUERY, level):
        below.setdefault(prefix, []).append(score)
    assert len(result["groups"]) == min(k, len(below))
    assert result["exhaustive"] == (k >= len(below))
    for group in result["groups"]:
        assert {"-".join(_codes(hit)[:level]) for hit in group["hits"]} == {group["prefix"]}
        scores = [hit["score"] for hit in group["hits"]]
        assert scores == pytest.approx(below[group["prefix"]][:most], abs=1e-6)
        listed = shop.post("semantic-ids", {"prefix": group["prefix"]}).json()["items"]
        assert {hit["item_id"] for hit in group["hits"]} <= {item["item_id"] for item in listed}
    best = [group["hits"][0]["score"] for group in result["groups"]]
    assert best == sorted(best, reverse=True)
    assert "hits" not in result


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"diversify": {"level": 3, "most": 1}}, 422, "diversify.level is 3, but semantic IDs here have 2 levels"),
        ({"group_by": {"level": 9, "most": 1}}, 422, "group_by.level is 9"),
        ({"diversify": {"level": 0, "most": 1}}, 422, "diversify.level: "),
        ({"diversify": {"level": 1, "most": 0}}, 422, "diversify.most: "),
        ({"diversify": {"level": 1.0, "most": 1}}, 422, "diversify.level: "),
        ({"diversify": {"level": 1}}, 422, "diversify.most: "),
        ({"diversify": {"level": 1, "most": 1, "by": "x"}}, 422, "diversify.by: unknown field"),
        ({"diversify": {"level": 1, "most": 101}}, 422, "diversify.most is 101, at most 100"),
        ({"group_by": {"level": 1, "most": 2**62}}, 422, "group_by.most is"),
        ({"group_by": {"level": 1, "most": 1}, "diversify": {"level": 1, "most": 1}}, 422, "both given"),
        ({"group_by": {"level": 1, "most": 11}, "k": 100}, 413, "1 queries x 1100 hits or candidates are 1100"),
        ({"group_by": {"level": 1, "most": 1}, "k": 101}, 422, "k is 101"),
    ],
)
def test_bad_limits_are_named(shop: LiveApp, body: dict[str, Any], status: int, named: str) -> None:
    response = shop.post("search", {**QUERY, **body})
    assert (response.status_code, named in response.json()["detail"]) == (status, True), response.text


def test_a_bundle_without_a_quantizer_limits_nothing_and_says_so(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection, semantic_ids=False)
    activate(collection, build_tiny_index(collection, tmp_path, ids("a", 5)))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        for name in ("diversify", "group_by"):
            response = app.post("search", {"item_ids": ["a-00001"], name: {"level": 1, "most": 1}})
            assert (response.status_code, response.json()["code"]) == (409, "no-semantic-ids")


def test_joined_requests_get_what_they_get_alone(shop: LiveApp) -> None:
    limits: list[dict[str, Any]] = [
        {},
        {"diversify": {"level": 1, "most": 1}},
        {"diversify": {"level": 1, "most": 2}},
        {"group_by": {"level": 1, "most": 2}},
    ]
    bodies = [{"item_ids": [item_id], "k": 4, **limit} for item_id in ids("a", 12) for limit in limits]
    bodies.append({"item_ids": ["nope"], "diversify": {"level": 1, "most": 1}})
    together = shop.post_all("search", bodies)
    for body, response in zip(bodies, together, strict=True):
        alone = shop.post("search", body)
        assert (response.status_code, response.json().get("results")) == (
            alone.status_code,
            alone.json().get("results"),
        )
    assert together[-1].status_code == 404
