"""Scores added on one scale, by hand and against numpy."""

from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import Field, TypeAdapter, ValidationError

from index.errors import RerankerFailed
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker
from index.second_stages import SecondStageKind
from index.second_stages.blend import Blend
from index.second_stages.contract import Runtime
from index.second_stages.staged import Staged
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.second_stages.timed import Clock, FailingReranker, TimedReranker, found, over
from tests.index.test_ranking import role
from tests.index.worded import TableReranker, numbered, table_items

N_ITEMS = 300
SCORES_BN = np.random.default_rng(0).standard_normal((3, N_ITEMS))
ROLE = role(clustered(N_ITEMS), FlatKind())


def blend(weights: dict[str, float], **settings: Any) -> Blend:
    return Blend.model_validate({"kind": "blend", "weights": weights, **settings})


class TestBlend(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(clustered(N_ITEMS)[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture(params=["z_score", "min_max"])
    def ranker(self, request: pytest.FixtureRequest) -> Ranker:
        kind = blend({"first_stage": 0.2, "exact": 0.3, "cross_encoder": 0.5}, scale=request.param)
        return Staged(DenseRanker(ROLE), kind.build(Runtime(ROLE, table_items(SCORES_BN)[0])), 20)


def test_by_hand() -> None:
    # first stage 4, 2, 0 and cross-encoder 0, 10, 5: on 0 to 1 these are 1, .5, 0 and 0, 1, .5.
    scores_BN = np.zeros((1, 3))
    scores_BN[0] = [0, 10, 5]
    kind = blend({"first_stage": 1, "cross_encoder": 2}, scale="min_max")
    stage = kind.build(Runtime(ROLE, over(TableReranker(scores_BN), 3)))
    ordered = stage.order(Queries(records=[{"text": "0"}]), found([0, 1, 2], scores=[[4, 2, 0]]), 3)
    assert ordered.ranking.rows_BR.tolist() == [[1, 0, 2]]
    assert ordered.ranking.scores_BR.tolist() == [[2.5, 1.0, 1.0]]  # equal ones keep the order of the first stage


def test_z_scores_of_three_parts() -> None:
    query_BD = clustered(2, seed=4)
    rows, first = [7, 200, 31, 90, 12], [5.0, 4.0, 4.0, 1.0, 0.5]
    kind = blend({"first_stage": 0.2, "exact": 0.3, "cross_encoder": 0.5})
    stage = kind.build(Runtime(ROLE, table_items(SCORES_BN)[0]))
    ordered = stage.order(numbered(query_BD), found(rows, rows, scores=[first, first]), 5)
    for b in range(2):
        exact = clustered(N_ITEMS)[rows] @ query_BD[b]
        parts = [np.array(first), exact, SCORES_BN[b, rows]]
        total = sum(w * (part - part.mean()) / part.std() for w, part in zip((0.2, 0.3, 0.5), parts, strict=True))
        order = np.argsort(-total)
        assert ordered.ranking.rows_BR[b].tolist() == np.array(rows)[order].tolist()
        np.testing.assert_allclose(ordered.ranking.scores_BR[b], total[order], atol=1e-5)


def test_what_the_budget_leaves_out_is_scored_by_no_part() -> None:
    clock, rows = Clock(), [200, 7, 31, 90, 12]
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    kind = blend({"first_stage": 1, "cross_encoder": 1}, budget_ms=2000, scale="min_max")
    stage = kind.build(Runtime(ROLE, over(table, N_ITEMS), clock=clock))
    ordered = stage.order(Queries(records=[{"text": "0"}]), found(rows), 5)
    assert SCORES_BN[0, 7] > SCORES_BN[0, 200]  # so each of the two is best by one part, and the sums are equal
    assert ordered.ranking.rows_BR.tolist() == [rows]
    assert ordered.reports is not None
    assert ordered.reports[0].n_scored == 2 and ordered.reports[0].degraded is not None
    np.testing.assert_allclose(ordered.ranking.scores_BR[0, 2:], [1 / 3, 1 / 4, 1 / 5])


def test_a_part_that_fails_leaves_the_first_stage() -> None:
    kind = blend({"exact": 1, "cross_encoder": 1})
    runtime = Runtime(ROLE, over(FailingReranker(SCORES_BN, 31), N_ITEMS))
    ordered = kind.build(runtime).order(numbered(clustered(1)), found([7, 31]), 2)
    assert ordered.ranking.rows_BR.tolist() == [[7, 31]]
    with pytest.raises(RerankerFailed):
        blend({"cross_encoder": 1}, on_failure="error").build(runtime).order(numbered(clustered(1)), found([7, 31]), 2)


def test_parts_without_weight_are_not_asked_for() -> None:
    kind = blend({"first_stage": 1, "cross_encoder": 0})
    assert not kind.reads_texts and not kind.reads_vectors
    ordered = kind.build(Runtime(ROLE)).order(Queries(own_rows_B=np.array([0])), found([7, 31]), 2)
    assert ordered.ranking.rows_BR.tolist() == [[7, 31]]
    assert blend({"exact": 1}).reads_vectors and blend({"cross_encoder": 1}).reads_texts


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": {}},
        {"weights": {"first_stage": 0}},
        {"weights": {"first_stage": -1}},
        {"weights": {"nope": 1}},
        {"weights": {"first_stage": 1}, "scale": "rank"},
        {"weights": {"first_stage": 1}, "budget_ms": 0},
        {"weights": {"first_stage": 1}, "stop_gap": 1},
        {"weights": {"first_stage": float("inf")}},
        {},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    kinds: TypeAdapter[SecondStageKind] = TypeAdapter(Annotated[SecondStageKind, Field(discriminator="kind")])
    with pytest.raises(ValidationError):
        kinds.validate_python({"kind": "blend", **wrong})
