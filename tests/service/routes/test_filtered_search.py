from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle.workspace import Workspace
from index.kinds import IndexKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.store import activate
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, titles, write_tiny_bundle

N_ITEMS = 50
RECORD = {"queries": [{"text": titles(N_ITEMS)[7]}]}
ITEM = {"item_ids": ["a-00003"]}
CHEAP = {"must": [{"key": "price", "range": {"lt": 12}}]}  # items 0 to 11, the asking item 3 among them
DEAR = {"must_not": [{"key": "price", "range": {"lt": 12}}]}
RED = {"must": {"key": "title", "match": {"text": "red"}}}


@pytest.fixture(scope="module", params=[IvfFlatKind(nlist=8, nprobe=1), HnswKind(m=4)], ids=lambda kind: kind.kind)
def approximate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    """An application that serves the items of `shop` from another kind of index."""
    root, kind = tmp_path_factory.mktemp("workspace"), request.param
    collection = Workspace(root).collection("shop")
    activate(collection, _build(root, kind))
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


def _build(root: Path, kind: IndexKind) -> str:
    collection = Workspace(root).collection("shop")
    return build_tiny_index(collection, root, ids("a", N_ITEMS), write_tiny_bundle(collection), kind)


def _result(shop: LiveApp, body: dict[str, Any]) -> dict[str, Any]:
    response = shop.post("search", body)
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    result: dict[str, Any] = response.json()["results"][0]
    return result


def _allowed(shop: LiveApp, source: dict[str, Any], asked: dict[str, Any]) -> list[float]:
    """The scores of the allowed items, best first, out of the whole ranking."""
    hits = _result(shop, {**source, "k": N_ITEMS, "with": ["attributes"]})["hits"]
    tests: dict[int, Callable[[dict[str, Any]], bool]] = {
        id(CHEAP): lambda hit: hit["attributes"]["price"] < 12,
        id(DEAR): lambda hit: hit["attributes"]["price"] >= 12,
        id(RED): lambda hit: "red" in hit["attributes"]["title"],
    }
    return [hit["score"] for hit in hits if tests[id(asked)](hit)]


def _check(shop: LiveApp, source: dict[str, Any], asked: dict[str, Any], k: int, more: dict[str, Any]) -> None:
    result, expected = _result(shop, {**source, **more, "filter": asked, "k": k}), _allowed(shop, source, asked)
    assert [hit["score"] for hit in result["hits"]] == pytest.approx(expected[:k], abs=1e-5)
    assert result["exhaustive"] == (k >= len(expected))


@pytest.mark.parametrize("more", [{}, {"rerank": "exact"}, {"rerank": "exact", "depth": 50}], ids=str)
@pytest.mark.parametrize("asked", [CHEAP, DEAR, RED], ids=["cheap", "dear", "red"])
@pytest.mark.parametrize("source", [RECORD, ITEM], ids=["record", "item"])
@pytest.mark.parametrize("k", [1, 10, 11, 12, 50])
def test_hits_are_the_best_allowed(
    shop: LiveApp, source: dict[str, Any], asked: dict[str, Any], k: int, more: dict[str, Any]
) -> None:
    _check(shop, source, asked, k, more)


@pytest.mark.parametrize("asked", [CHEAP, DEAR, RED], ids=["cheap", "dear", "red"])
@pytest.mark.parametrize("k", [5, 12, 50])
def test_every_kind_keeps_the_promise(approximate: LiveApp, asked: dict[str, Any], k: int) -> None:
    result = _result(approximate, {**ITEM, "filter": asked, "k": k})
    expected = _allowed(approximate, ITEM, asked)
    assert len(result["hits"]) == min(k, len(expected))
    assert result["exhaustive"] == (k >= len(expected))
    if k >= len(expected):
        assert [hit["score"] for hit in result["hits"]] == pytest.approx(expected, abs=1e-5)


def test_vectors_are_filtered_as_their_records(shop: LiveApp) -> None:
    embedding = shop.post("embed", {"records": RECORD["queries"]}).json()["embeddings"]
    by_vector = _result(shop, {"vectors": embedding, "filter": RED, "k": 4})["hits"]
    by_record = _result(shop, {**RECORD, "filter": RED, "k": 4})["hits"]
    assert [hit["item_id"] for hit in by_vector] == [hit["item_id"] for hit in by_record]


def test_a_filter_that_nothing_meets_gives_no_hits(shop: LiveApp) -> None:
    for source in (RECORD, ITEM):
        for more in ({}, {"rerank": "exact"}, {"diversify": {"level": 1, "most": 1}}):
            nothing = {"must": [{"has_id": ["unknown"]}]}
            assert _result(shop, {**source, **more, "filter": nothing}) == {"hits": [], "exhaustive": True}


@pytest.mark.parametrize("source", [RECORD, ITEM], ids=["record", "item"])
@pytest.mark.parametrize(("asked", "k"), [(CHEAP, 3), (CHEAP, 50), (DEAR, 6), (RED, 50)])
def test_a_limit_counts_allowed_items_only(
    shop: LiveApp, source: dict[str, Any], asked: dict[str, Any], k: int
) -> None:
    extras = {"with": ["semantic_id"]}
    allowed = _result(shop, {**source, **extras, "filter": asked, "k": N_ITEMS})["hits"]
    firsts: dict[str, float] = {}
    for hit in allowed:
        firsts.setdefault(hit["semantic_id"].split("-")[0], hit["score"])
    result = _result(shop, {**source, "filter": asked, "k": k, "diversify": {"level": 1, "most": 1}})
    assert [hit["score"] for hit in result["hits"]] == pytest.approx(list(firsts.values())[:k], abs=1e-5)
    assert result["exhaustive"] == (k >= len(firsts))
    grouped = _result(shop, {**source, **extras, "filter": asked, "k": k, "group_by": {"level": 1, "most": 2}})
    assert [group["prefix"] for group in grouped["groups"]] == list(firsts)[:k]
    assert grouped["exhaustive"] == (k >= len(firsts))


def test_requests_with_different_filters_do_not_mix(shop: LiveApp) -> None:
    bodies = [{**RECORD, "filter": {"must": {"key": "price", "range": {"gte": low}}}, "k": 50} for low in range(40)]
    for low, response in enumerate(shop.post_all("search", bodies)):
        hits = response.json()["results"][0]["hits"]
        assert sorted(hit["item_id"] for hit in hits) == ids("a", N_ITEMS)[low:]


BAD: list[tuple[object, str, str]] = [
    ({"must": [{"key": "prize", "range": {"lt": 3}}]}, "invalid-filter", "'prize': no such attribute"),
    ({"must": [{"key": "prize", "range": {"lt": 3}}]}, "invalid-filter", "has: title, price"),
    ({"must": [{"key": "price", "match": {"value": "3"}}]}, "invalid-filter", "'price': its values are of the kind"),
    ({"must": [{"key": "title", "range": {"gt": 3}}]}, "invalid-filter", "'title': range is for numbers"),
    ({"must": [{"has_id": ["x"] * 4097}]}, "invalid-filter", "values are 4097, at most 4096"),
    ({"must": [{"has_id": ["x"]}] * 65}, "invalid-filter", "conditions are 65, at most 64"),
    ({"must": [{"must": [{"must": [{"must": [{"must": [{"must": [{"must": [{"must": [{"must": []}]}]}]}]}]}]}]}]},
     "invalid-filter", "depth are 9, at most 8"),
    ({"must": [{"key": "price"}]}, "invalid-request", "filter.must[0]: must be an object with one of match"),
    ({"must": [{"key": "price", "range": {"above": 1}}]}, "invalid-request", "above: unknown field"),
    ({"all": []}, "invalid-request", "filter.all: unknown field"),
    ([], "invalid-request", "filter: must be a JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code", "named"), BAD)
def test_a_bad_filter_is_named(shop: LiveApp, asked: object, code: str, named: str) -> None:
    response = shop.post("search", {**RECORD, "filter": asked})
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert named in response.json()["detail"]


def test_a_filter_nested_past_all_reason_is_refused(shop: LiveApp) -> None:
    asked: dict[str, Any] = {}
    for _ in range(400):
        asked = {"must": [asked]}
    assert shop.post("search", {**RECORD, "filter": asked}).status_code == 422


@pytest.fixture(scope="module")
def worded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApp]:
    """An application whose items can be found by words too."""
    root = tmp_path_factory.mktemp("workspace")
    collection = Workspace(root).collection("shop")
    bundle_id = write_tiny_bundle(collection)
    activate(collection, build_tiny_index(collection, root, ids("a", N_ITEMS), bundle_id, lexical={}))
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


@pytest.mark.parametrize("k", [3, 50])
@pytest.mark.parametrize("asked", [CHEAP, DEAR, RED], ids=["cheap", "dear", "red"])
@pytest.mark.parametrize(
    "more", [{"mode": "lexical"}, {"mode": "hybrid"}, {"mode": "hybrid", "rerank": "exact"}], ids=str
)
def test_searches_by_words_find_allowed_items_only(
    worded: LiveApp, more: dict[str, Any], asked: dict[str, Any], k: int
) -> None:
    """By words alone the scores of items do not depend on the filter, so the hits are the best allowed ones."""
    result = _result(worded, {**RECORD, **more, "filter": asked, "k": k})
    found = [hit["item_id"] for hit in result["hits"]]
    allowed = {hit["item_id"] for hit in _result(worded, {**RECORD, "filter": asked, "k": N_ITEMS})["hits"]}
    assert set(found) <= allowed
    if more["mode"] == "lexical":
        whole = _result(worded, {**RECORD, **more, "k": N_ITEMS})["hits"]
        assert found == [hit["item_id"] for hit in whole if hit["item_id"] in allowed][:k]
    else:
        assert len(found) == min(k, len(allowed))
        assert result["exhaustive"] == (k >= len(allowed))


def test_searches_by_examples_find_allowed_items_only(shop: LiveApp) -> None:
    examples = {"examples": [{"all_of": ["a-00003", {"text": "red mug"}], "none_of": ["a-00040"]}]}
    result = _result(shop, {**examples, "filter": CHEAP, "k": 50, "with": ["attributes"]})
    assert sorted(hit["attributes"]["price"] for hit in result["hits"]) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert result["exhaustive"]
