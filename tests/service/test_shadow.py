"""Trials of candidate versions: what is compared, counted and told, and that real answers never notice."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from bundle.workspace import Collection, Workspace
from index.errors import VersionClosed
from index.shadow import shadow_path
from index.store import activate, current, end_shadow, start_shadow
from service.errors import RerankerNotServed
from service.loaded import Loaded, load
from service.shadow.candidate import Candidate
from service.shadow.shadowing import CAPACITY, Answered, Shadowing
from service.shadow.tally import TallyFolder
from service.slots import Slot
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, flip_byte, wait_until
from tests.service.shadow.test_comparison import answer
from tests.service.tiny import build_tiny_index, ids, make_collection, write_tiny_bundle


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=40, prefix="a")
    return collection


def _app(tmp_path: Path) -> LiveApp:
    return LiveApp(settings_for(tmp_path, shadow={"core_share": 0.5}))


def _slot(app: LiveApp) -> Slot:
    slot: Slot = app.app.state.serving.slots.get("shop")
    return slot


def _started(app: LiveApp, collection: Collection, version: str, share: float = 1) -> Candidate:
    """The candidate of a trial that was started beside the server."""
    shadow = start_shadow(collection, version, share)
    wait_until(lambda: (one := _slot(app).candidate) is not None and one.shadow == shadow)
    candidate = _slot(app).candidate
    assert candidate is not None and candidate.loaded is not None
    return candidate


def _searches(app: LiveApp, **counts: int) -> None:
    """Wait until the trial has counted so many searches."""
    wait_until(
        lambda: {k: v for k, v in app.get("/v1/collections/shop/shadow").json()["searches"].items() if v} == counts
    )


def _hits(app: LiveApp, body: dict[str, object]) -> list[list[dict[str, object]]]:
    response = app.post("search", body)
    assert response.status_code == 200, response.text
    return [result["hits"] for result in response.json()["results"]]


SEARCHES: list[dict[str, object]] = [
    {"queries": [{"text": "red mug"}], "k": 5},
    {"queries": [{"text": "old lamp"}], "k": 7, "filter": {"must": [{"key": "price", "range": {"gte": 10}}]}},
    {"queries": [{"text": "glass chair"}], "k": 3, "rerank": "exact", "with": ["attributes", "vector"]},
    {"item_ids": ["a-00003"], "k": 4},
    {"examples": [{"all_of": ["a-00001"], "none_of": [{"text": "red"}]}], "k": 4},
    {"queries": [{"text": "small lamp"}], "k": 4, "diversify": {"level": 1, "most": 2}},
]


def test_what_a_trial_shows_is_what_activation_would_change(collection: Collection, tmp_path: Path) -> None:
    candidate = build_tiny_index(collection, tmp_path, ids("a", 20))
    with _app(tmp_path) as app:
        app.ready()
        _started(app, collection, candidate)
        before = [_hits(app, body)[0] for body in SEARCHES]
        _searches(app, compared=len(SEARCHES))
        shown = app.get("/v1/collections/shop/shadow").json()
        mean = f'tandem_shadow_overlap{{collection="shop"}} {shown["overlap"]["mean"]}'
        wait_until(lambda: mean in app.get("/metrics").text)
        metrics = app.get("/metrics").text
        activate(collection, candidate)
        wait_until(lambda: app.get("/v1/collections/shop").json()["index_version"] == candidate)
        after = [_hits(app, body)[0] for body in SEARCHES]
    overlaps, differences, changed = [], [], []
    for old, new in zip(before, after, strict=True):
        scores = [{str(hit["item_id"]): float(str(hit["score"])) for hit in hits} for hits in (old, new)]
        both = scores[0].keys() & scores[1].keys()
        overlaps.append(len(both) / len(old))
        differences += [scores[1][one] - scores[0][one] for one in both]
        changed.append(old[0]["item_id"] != new[0]["item_id"])
    assert 0 < np.mean(overlaps) < 1
    assert shown["overlap"]["mean"] == pytest.approx(np.mean(overlaps))
    assert shown["first_changed"]["mean"] == pytest.approx(np.mean(changed))
    assert shown["score_difference"]["mean"] == pytest.approx(np.mean(differences), abs=1e-6)
    assert (shown["status"], shown["candidate_version"], shown["same_bundle"]) == ("running", candidate, True)
    assert f'tandem_shadow_searches_total{{collection="shop",outcome="compared"}} {len(SEARCHES)}.0' in metrics
    assert f'tandem_shadow_info{{collection="shop",index_version="{candidate}"}} 1.0' in metrics


def test_a_candidate_that_is_activated_is_swapped_in_as_it_is_loaded(collection: Collection, tmp_path: Path) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 6))
    with _app(tmp_path) as app:
        app.ready()
        candidate = _started(app, collection, new)
        activate(collection, new)
        wait_until(lambda: _slot(app).serving().index_version == new)
        assert _slot(app).serving() is candidate.loaded
        assert app.get("/v1/collections/shop/shadow").json()["status"] == "off"
        assert _hits(app, {"queries": [{"text": "mug"}], "k": 3})[0][0]["item_id"] in ids("b", 6)
        metrics = app.get("/metrics").text
        assert "tandem_shadow_info{" not in metrics
        assert 'tandem_shadow_overlap{collection="shop"} NaN' in metrics


def test_a_trial_that_ends_frees_the_candidate(collection: Collection, tmp_path: Path) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 6))
    with _app(tmp_path) as app:
        app.ready()
        loaded = _started(app, collection, new).loaded
        end_shadow(collection)
        wait_until(lambda: _slot(app).candidate is None)
        wait_until(lambda: _is_closed(loaded))


def _is_closed(loaded: Loaded | None) -> bool:
    assert loaded is not None
    try:
        loaded.version.search(np.ones((1, loaded.version.dimension), dtype=np.float32), 1)
    except VersionClosed:
        return True
    return False


def test_the_query_is_embedded_again_where_bundles_differ_and_vectors_are_not_compared(
    collection: Collection, tmp_path: Path
) -> None:
    other = write_tiny_bundle(collection, seed=7, dimension=9)
    new = build_tiny_index(collection, tmp_path, ids("a", 40), other)
    with _app(tmp_path) as app:
        app.ready()
        _started(app, collection, new)
        _hits(app, {"queries": [{"text": "red mug"}], "k": 5})
        _hits(app, {"vectors": [[1.0] * 8], "k": 5})
        _searches(app, compared=1, not_comparable=1)
        assert app.get("/v1/collections/shop/shadow").json()["same_bundle"] is False


def test_an_error_of_the_candidate_is_counted_by_code_and_nobody_notices(
    collection: Collection, tmp_path: Path
) -> None:
    new = build_tiny_index(collection, tmp_path, ids("a", 20))
    with _app(tmp_path) as app:
        app.ready()
        _started(app, collection, new)
        assert len(_hits(app, {"item_ids": ["a-00030"], "k": 5})[0]) == 5
        _searches(app, failed=1)
        shown = app.get("/v1/collections/shop/shadow").json()
        assert (shown["errors"], shown["overlap"]) == ({"unknown-item": 1}, None)


def test_a_candidate_is_compared_with_what_is_served_now(collection: Collection, tmp_path: Path) -> None:
    second, third = (build_tiny_index(collection, tmp_path, ids(name, 8)) for name in "bc")
    with _app(tmp_path) as app:
        app.ready()
        loaded = _started(app, collection, third).loaded
        _hits(app, {"queries": [{"text": "mug"}]})
        _searches(app, compared=1)
        activate(collection, second)
        wait_until(lambda: _slot(app).serving().index_version == second)
        candidate = _slot(app).candidate
        assert candidate is not None and candidate.loaded is loaded
        assert candidate.tally.trial.served_version == second
        assert app.get("/v1/collections/shop/shadow").json()["searches"]["compared"] == 0


@pytest.mark.parametrize("damage", ["SHADOW", "index.faiss"])
def test_what_is_damaged_disturbs_nothing(collection: Collection, tmp_path: Path, damage: str) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 6))
    shadow = start_shadow(collection, new, 1)
    if damage == "SHADOW":
        shadow_path(collection).write_text("{")
    else:
        flip_byte(collection.index(new) / damage)
    with _app(tmp_path) as app:
        app.ready()
        assert len(_hits(app, {"queries": [{"text": "mug"}]})[0]) == 10
        shown = app.get("/v1/collections/shop/shadow")
        if damage == "SHADOW":
            assert (shown.status_code, shown.json()["code"]) == (503, "version-corrupt")
        else:
            wait_until(lambda: app.get("/v1/collections/shop/shadow").json()["status"] == "failing")
            failure = app.get("/v1/collections/shop/shadow").json()["load_failure"]
            assert failure["index_version"] == shadow.version and "index.faiss" in failure["detail"]
        assert app.get("/readyz").status_code == 200
        end_shadow(collection)
        wait_until(lambda: _slot(app).candidate is None)


def test_what_comes_while_enough_waits_is_dropped_and_told(collection: Collection, tmp_path: Path) -> None:
    served = load(collection, str(current(collection)), settings_for(tmp_path), None)
    new = build_tiny_index(collection, tmp_path, ids("b", 6))
    candidate = Candidate.of(
        start_shadow(collection, new, 1), served, load(collection, new, settings_for(tmp_path), served)
    )
    told: list[str] = []
    shadowing = Shadowing(0.5, TallyFolder(None, 1), lambda _, outcome: told.append(outcome), lambda *_: None)

    def refuse(loaded: Loaded, place: int) -> bytes:
        raise RerankerNotServed("no reranker")

    async def offer_more_than_fits() -> None:
        for _ in range(CAPACITY + 3):
            shadowing.consider(candidate, Answered(served, answer({}, {}), 2, refuse, is_of_vectors=False))
        assert told == ["dropped"] * 3
        shadowing.start()
        while len(told) < CAPACITY + 3:
            await asyncio.sleep(0.01)

    asyncio.run(offer_more_than_fits())
    shadowing.stop()
    assert candidate.tally.report().counts == {"dropped": 3, "failed": CAPACITY}
    assert candidate.tally.report().errors == {"reranker-not-served": CAPACITY}


def test_a_full_disk_does_not_end_a_trial(
    collection: Collection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = load(collection, str(current(collection)), settings_for(tmp_path), None)
    shadow = start_shadow(collection, build_tiny_index(collection, tmp_path, ids("b", 6)), 1)
    candidate = Candidate.of(shadow, served, served)
    told: list[str] = []
    found = answer({"a": 1.0})
    nowhere = TallyFolder(tmp_path / "gone", 1)
    shadowing = Shadowing(0.5, nowhere, lambda _, outcome: told.append(outcome), lambda *_: None)

    async def two_searches() -> None:
        shadowing.start()
        for n in (1, 2):
            shadowing.consider(candidate, Answered(served, found, 1, lambda loaded, place: found, is_of_vectors=False))
            while len(told) < n:
                await asyncio.sleep(0.01)

    asyncio.run(two_searches())
    shadowing.stop()
    assert told == ["compared", "compared"]
    assert sum("cannot be told" in record.message for record in caplog.records) == 1


def test_a_share_is_drawn(collection: Collection, tmp_path: Path) -> None:
    served = load(collection, str(current(collection)), settings_for(tmp_path), None)
    shadow = start_shadow(collection, build_tiny_index(collection, tmp_path, ids("b", 6)), 0.2)
    candidate = Candidate.of(shadow, served, served)
    shadowing = Shadowing(0, TallyFolder(None, 1), lambda *_: None, lambda *_: None)  # so that all drawn are dropped
    answered = Answered(served, answer({}), 1, lambda loaded, place: b"", is_of_vectors=False)
    for _ in range(2_000):
        shadowing.consider(candidate, answered)
    assert 300 < candidate.tally.report().counts["dropped"] < 500  # 400 by the share, 18 the standard deviation
