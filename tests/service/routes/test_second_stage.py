"""What a search may ask of its second stage, through HTTP, and what it says when that cannot be done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.workspace import Workspace
from index.lexical.build import LexicalConfig
from index.second_stages.mmr import marginal
from index.store import activate
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, titles, write_tiny_bundle
from tests.tiny_reranker import NOT_A_NUMBER, RAISES

COUNT = 50
TITLES = dict(zip(ids("a", COUNT), titles(COUNT), strict=True))
QUERY = {"text": "red mug"}
LIMITS = {"max_reranked_pairs": 120, "max_k": 100, "max_depth": 200, "max_hits": 1000, "max_rerank_items": 20}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    collection = Workspace(root).collection("shop")
    write_tiny_bundle(collection, reranker=["title"], reranker_fails=True)
    activate(collection, build_tiny_index(collection, root, ids("a", COUNT), lexical=LexicalConfig()))
    return root


@pytest.fixture(scope="module")
def app(root: Path) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root, limits=LIMITS)) as app:
        yield app.ready()


@pytest.fixture(scope="module")
def strict(root: Path) -> Iterator[LiveApp]:
    """The same where a failure is an error unless a request says otherwise."""
    with LiveApp(settings_for(root, limits=LIMITS, rerank={"on_failure": "error"})) as app:
        yield app.ready()


def result_of(app: LiveApp, text: str = QUERY["text"], **body: Any) -> dict[str, Any]:
    response = app.post("search", {"queries": [{"text": text}], **body})
    assert response.status_code == 200, response.text
    SearchAnswer.model_validate(response.json())
    result: dict[str, Any] = response.json()["results"][0]
    return result


def ranked(result: dict[str, Any]) -> list[tuple[str, float]]:
    return [(hit["item_id"], hit["score"]) for hit in result["hits"]]


def degraded_count(app: LiveApp, reason: str) -> float:
    name = f'tandem_degraded_total{{collection="shop",reason="{reason}"}} '
    lines = [line for line in app.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].removeprefix(name)) if lines else 0.0


def test_the_object_says_what_the_name_says(app: LiveApp) -> None:
    by_name = result_of(app, k=7, rerank="cross_encoder", depth=20)
    assert result_of(app, k=7, rerank={"kind": "cross_encoder"}, depth=20) == by_name
    assert by_name["scored"] == 20 and "degraded" not in by_name
    assert all(hit["reranked"] is True for hit in by_name["hits"])
    generous = {"kind": "cross_encoder", "budget_ms": 60_000, "stop_gap": 1000}
    assert result_of(app, k=7, rerank=generous, depth=20) == by_name
    for name in ("exact", "mmr"):
        assert result_of(app, rerank={"kind": name}) == result_of(app, rerank=name)


def test_mmr_is_the_greedy_choice_over_the_candidates(app: LiveApp) -> None:
    for source in ({"queries": [QUERY]}, {"item_ids": ["a-00003"]}):
        found = app.post("search", {**source, "k": 30, "with": ["vector"]}).json()["results"][0]["hits"]
        score_C = np.array([hit["score"] for hit in found], dtype=np.float32)
        relevance_C = (score_C - score_C.min()) / (score_C.max() - score_C.min())
        vector_CD = np.array([hit["vector"] for hit in found], dtype=np.float32)
        wanted = marginal(relevance_C, vector_CD, 8, 0.4)[1]
        body = {**source, "k": 8, "rerank": {"kind": "mmr", "lambda": 0.4}, "depth": 30}
        hits = app.post("search", body).json()["results"][0]["hits"]
        assert [hit["item_id"] for hit in hits] == [found[place]["item_id"] for place in wanted]
        assert "reranked" not in hits[0]


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_mmr_with_lambda_1_is_the_first_stage_in_every_mode(app: LiveApp, mode: str) -> None:
    found = result_of(app, k=20, mode=mode)
    mmr = result_of(app, k=20, mode=mode, rerank={"kind": "mmr", "lambda": 1.0}, depth=40)
    assert [hit["item_id"] for hit in mmr["hits"]] == [hit["item_id"] for hit in found["hits"]]
    assert mmr["exhaustive"] == found["exhaustive"] and "scored" not in mmr


def test_mmr_of_examples_and_of_what_a_filter_allows(app: LiveApp) -> None:
    allowed = {"must": [{"key": "price", "range": {"lt": 9}}]}
    rerank = {"kind": "mmr", "lambda": 0.2}
    body = {"examples": [{"all_of": ["a-00001", "a-00002"]}], "k": 20, "filter": allowed, "rerank": rerank}
    hits = app.post("search", body).json()["results"][0]["hits"]
    assert sorted(hit["item_id"] for hit in hits) == [f"a-{i:05d}" for i in (0, 3, 4, 5, 6, 7, 8)]


def test_blended_scores_come_from_every_part(app: LiveApp) -> None:
    depth = 25
    found = ranked(result_of(app, k=depth, mode="lexical"))
    read = dict(ranked(result_of(app, k=depth, mode="lexical", rerank="cross_encoder", depth=depth)))
    exact = dict(ranked(result_of(app, k=depth, mode="lexical", rerank="exact", depth=depth)))
    weights = {"first_stage": 1, "exact": 2, "cross_encoder": 0.5}
    rerank = {"kind": "blend", "weights": weights, "scale": "min_max"}
    blended = result_of(app, k=10, mode="lexical", rerank=rerank, depth=depth)
    parts = [np.array([score for _, score in found])]
    parts += [np.array([part[item_id] for item_id, _ in found]) for part in (exact, read)]
    scaled = [(part - part.min()) / (part.max() - part.min()) for part in parts]
    total = sum(weight * part for weight, part in zip(weights.values(), scaled, strict=True))
    wanted = sorted(total, reverse=True)[:10]
    assert [hit["score"] for hit in blended["hits"]] == pytest.approx(wanted, abs=1e-5)
    assert blended["scored"] == len(found) and all(hit["reranked"] for hit in blended["hits"])


def test_a_blend_without_the_cross_encoder_takes_vectors(shop: LiveApp) -> None:
    found = shop.post("search", {"item_ids": ["a-00003"], "k": 20}).json()["results"][0]["hits"]
    body = {"item_ids": ["a-00003"], "k": 20, "rerank": {"kind": "blend", "weights": {"exact": 1}}}
    hits = shop.post("search", body).json()["results"][0]["hits"]
    assert [hit["item_id"] for hit in hits] == [hit["item_id"] for hit in found]


@pytest.mark.parametrize("rerank", ["cross_encoder", {"kind": "cross_encoder", "budget_ms": 60_000}])
def test_a_filter_and_the_cross_encoder(app: LiveApp, rerank: Any) -> None:
    cheap = {"must": [{"key": "price", "range": {"lt": 15}}]}
    result = result_of(app, k=20, rerank=rerank, depth=40, filter=cheap)
    assert sorted(hit["item_id"] for hit in result["hits"]) == [f"a-{i:05d}" for i in range(15)]
    assert result["exhaustive"] and result["scored"] == 15
    whole = dict(ranked(result_of(app, k=50, rerank="cross_encoder", depth=50)))
    assert [hit["score"] for hit in result["hits"]] == [whole[hit["item_id"]] for hit in result["hits"]]
    assert [hit["score"] for hit in result["hits"]] == sorted((whole[f"a-{i:05d}"] for i in range(15)), reverse=True)


def test_no_candidates_are_an_empty_answer(app: LiveApp) -> None:
    nothing = {"must": [{"key": "price", "range": {"lt": -1}}]}
    for rerank in (
        "cross_encoder",
        {"kind": "cross_encoder", "budget_ms": 0.001},
        {"kind": "mmr"},
        {"kind": "blend", "weights": {"first_stage": 1, "cross_encoder": 1}},
    ):
        assert result_of(app, rerank=rerank, filter=nothing)["hits"] == []
    assert result_of(app, text="zzz", mode="lexical", rerank="cross_encoder")["hits"] == []


def test_more_hits_than_candidates_are_all_candidates(app: LiveApp) -> None:
    for rerank in ({"kind": "mmr"}, "cross_encoder"):
        result = result_of(app, k=90, rerank=rerank, depth=90)
        assert len(result["hits"]) == COUNT and result["exhaustive"]


@pytest.mark.parametrize("rerank", ["cross_encoder", {"kind": "blend", "weights": {"exact": 1, "cross_encoder": 1}}])
@pytest.mark.parametrize(("word", "reason"), [(RAISES, "failed"), (NOT_A_NUMBER, "not_a_number")])
def test_a_reranker_that_fails_leaves_the_first_stage_and_says_so(
    app: LiveApp, word: str, reason: str, rerank: Any
) -> None:
    before = degraded_count(app, reason)
    found = result_of(app, text=f"red {word}", k=5)
    result = result_of(app, text=f"red {word}", k=5, rerank=rerank, depth=20)
    assert ranked(result) == ranked(found)
    assert result["scored"] == 0 and all(hit["reranked"] is False for hit in result["hits"])
    assert result["degraded"]["reason"] == reason
    assert "order and scores of the first stage" in result["degraded"]["detail"]
    assert degraded_count(app, reason) == before + 1


def test_no_time_leaves_the_first_stage_and_says_so(app: LiveApp) -> None:
    before = degraded_count(app, "out_of_time")
    result = result_of(app, k=5, rerank={"kind": "cross_encoder", "budget_ms": 0.001}, depth=20)
    assert ranked(result) == ranked(result_of(app, k=5))
    assert result["scored"] == 0 and result["degraded"]["reason"] == "out_of_time"
    assert "0 of 20 candidates were scored" in result["degraded"]["detail"]
    assert degraded_count(app, "out_of_time") == before + 1


def test_a_query_that_fails_leaves_the_others_alone(app: LiveApp) -> None:
    texts = ["old chair", f"red {RAISES}", "red mug"]
    bodies = [{"queries": [{"text": text}], "k": 5, "rerank": "cross_encoder", "depth": 40} for text in texts]
    joined = [answer.json()["results"][0] for answer in app.post_all("search", bodies)]
    together = app.post("search", {**bodies[0], "queries": [{"text": text} for text in texts]}).json()["results"]
    for results in (joined, together):
        assert ["degraded" in result for result in results] == [False, True, False]
        assert results[2] == result_of(app, k=5, rerank="cross_encoder", depth=40)


@pytest.mark.parametrize("word", [RAISES, NOT_A_NUMBER])
def test_a_failure_is_an_error_where_request_or_setting_say_so(app: LiveApp, strict: LiveApp, word: str) -> None:
    query = {"queries": [{"text": word}], "k": 5, "depth": 20}
    for asked, rerank in (
        (app, {"kind": "cross_encoder", "on_failure": "error"}),
        (strict, {"kind": "cross_encoder"}),
        (strict, "cross_encoder"),
    ):
        response = asked.post("search", {**query, "rerank": rerank})
        assert (response.status_code, response.json()["code"]) == (503, "reranker-failed")
        assert "the reranker" in response.json()["detail"]
    forgiven = {**query, "rerank": {"kind": "cross_encoder", "on_failure": "first_stage"}}
    assert strict.post("search", forgiven).json()["results"][0]["degraded"]
    late = {"queries": [QUERY], "rerank": {"kind": "cross_encoder", "budget_ms": 0.001}}
    response = strict.post("search", late)
    assert response.status_code == 503 and "were scored within budget_ms" in response.json()["detail"]


@pytest.mark.parametrize(("word", "named"), [(RAISES, "failed"), (NOT_A_NUMBER, "not numbers")])
def test_the_rerank_route_has_no_first_stage_to_give(app: LiveApp, word: str, named: str) -> None:
    query = {"query": {"text": word}, "reranker": "cross_encoder"}
    for items in ({"item_ids": ids("a", 5)}, {"items": [{"title": "red mug"}]}):
        response = app.post("rerank", {**query, **items})
        assert (response.status_code, response.json()["code"]) == (503, "reranker-failed")
        assert named in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"queries": [QUERY], "rerank": {"kind": "mmr"}, "depth": 10_000}, 422, "depth is 10000, at most 200"),
        ({"queries": [QUERY], "rerank": {"kind": "mmr"}, "k": 50, "depth": 20}, 422, "must be at least k"),
        ({"queries": [QUERY] * 6, "rerank": {"kind": "mmr"}, "depth": 200}, 413, "6 queries x 200 hits or candidates"),
        (
            {"queries": [QUERY], "rerank": {"kind": "blend", "weights": {"cross_encoder": 1}}, "depth": 150},
            413,
            "150 pairs for the cross-encoder",
        ),
        ({"queries": [QUERY], "rerank": {"kind": "mmr", "lambda": 2}}, 422, "rerank.mmr.lambda: "),
        ({"queries": [QUERY], "rerank": {"kind": "mmr", "lamda": 1}}, 422, "rerank.mmr.lamda: unknown field"),
        ({"queries": [QUERY], "rerank": {"kind": "nope"}}, 422, "'mmr', 'blend', 'cross_encoder'"),
        ({"queries": [QUERY], "rerank": {}}, 422, "rerank: "),
        ({"queries": [QUERY], "rerank": 3}, 422, "rerank: "),
        ({"queries": [QUERY], "rerank": "blend"}, 422, "rerank.blend.weights: Field required"),
        ({"queries": [QUERY], "rerank": {"kind": "blend", "weights": {}}}, 422, "weigh at least one of: first_stage"),
        ({"queries": [QUERY], "rerank": {"kind": "cross_encoder", "budget_ms": "5"}}, 422, "budget_ms"),
        ({"queries": [QUERY], "rerank": {"kind": "cross_encoder", "budget_ms": 0}}, 422, "budget_ms"),
        (
            {"queries": [QUERY], "rerank": {"kind": "mmr"}, "diversify": {"level": 1, "most": 1}},
            422,
            "diversify and group_by go as deep as they must, but rerank 'mmr' orders depth candidates",
        ),
        (
            {"item_ids": ["a-00001"], "rerank": {"kind": "blend", "weights": {"cross_encoder": 1}}},
            422,
            "in place of item_ids",
        ),
        (
            {"examples": [{"all_of": ["a-00001"]}], "rerank": {"kind": "blend", "weights": {"exact": 1}}},
            422,
            "leave the weight of exact out",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(app: LiveApp, body: dict[str, Any], status: int, named: str) -> None:
    response = app.post("search", body)
    assert response.status_code == status, response.text
    assert named in response.json()["detail"]


def test_more_items_than_the_limit_are_not_reranked(app: LiveApp) -> None:
    body = {"query": QUERY, "item_ids": ["a-00001"] * 10_000, "reranker": "cross_encoder"}
    response = app.post("rerank", body)
    assert response.status_code == 413
    assert "item_ids has 10000 entries, at most 20 are taken" in response.json()["detail"]
    assert app.post("rerank", {"query": QUERY, "item_ids": [], "reranker": "cross_encoder"}).status_code == 422


def test_a_blend_needs_the_reranker_that_it_weighs(shop: LiveApp) -> None:
    response = shop.post("search", {"queries": [QUERY], "rerank": {"kind": "blend", "weights": {"cross_encoder": 1}}})
    assert (response.status_code, response.json()["code"]) == (409, "reranker-not-served")
