"""Maximal marginal relevance by hand and by exhaustive computation."""

from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, FloatArray, Queries, Ranker
from index.second_stages import SecondStageKind
from index.second_stages.contract import Runtime
from index.second_stages.mmr import Mmr, MmrStage, marginal, unit_rows
from index.second_stages.staged import Staged
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.second_stages.timed import found
from tests.index.test_ranking import role

N_ITEMS = 300
NOBODY = Queries(np.zeros((1, 2), dtype=np.float32))


def stage(vectors: object, weight: float) -> MmrStage:
    vectors_ND = np.array(vectors, dtype=np.float32)
    return MmrStage(weight, Runtime(role(vectors_ND, FlatKind())))


class TestMmr(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return Queries(clustered(N_ITEMS)[[5, 17, 80]], own_rows_B=np.array([5, 17, 80]))

    @pytest.fixture(params=[0.0, 0.5, 1.0])
    def ranker(self, request: pytest.FixtureRequest) -> Ranker:
        dense = DenseRanker(role(clustered(N_ITEMS), FlatKind()))
        return Staged(dense, stage(clustered(N_ITEMS), request.param), 20)


def test_by_hand() -> None:
    # Rows 0 and 1 point the same way, 2 stands at right angles, 3 half way; relevance is 1, .75, .5, 0.
    vectors = [[2, 0], [1, 0], [0, 1], [1, 1]]
    ordered = stage(vectors, 0.6).order(NOBODY, found([0, 1, 2, 3], scores=[[9, 8, 7, 5]]), 4)
    # first: .6 x 1; then row 2: .6 x .5 - 0 beats row 1: .6 x .75 - .4; then row 1; row 3: 0 - .4 x cos 45.
    assert ordered.ranking.rows_BR.tolist() == [[0, 2, 1, 3]]
    np.testing.assert_allclose(ordered.ranking.scores_BR, [[0.6, 0.3, 0.05, -0.4 * np.sqrt(0.5)]], atol=1e-6)
    assert ordered.reports is None
    assert ordered.ranking.total_B.tolist() == [1000]


def test_opposites_are_no_more_welcome_than_strangers() -> None:
    ordered = stage([[1, 0], [0, 1], [-1, 0]], 0.0).order(NOBODY, found([0, 1, 2]), 3)
    assert ordered.ranking.rows_BR.tolist() == [[0, 1, 2]]
    assert ordered.ranking.scores_BR.tolist() == [[0, 0, 0]]


def test_lambda_1_is_the_order_of_the_first_stage() -> None:
    rows = np.random.default_rng(0).permutation(N_ITEMS)[:50].tolist()
    scores = sorted(np.random.default_rng(1).integers(0, 20, 50).tolist(), reverse=True)  # with ties
    ordered = stage(clustered(N_ITEMS), 1.0).order(NOBODY, found(rows, scores=[scores]), 50)
    assert ordered.ranking.rows_BR.tolist() == [rows]


def test_few_or_no_candidates_and_vectors_of_zeros() -> None:
    one = stage(np.zeros((3, 2)), 0.5)
    assert one.order(NOBODY, found([2, 0]), 10).ranking.rows_BR.tolist() == [[2, 0]]
    assert one.order(NOBODY, found([]), 10).ranking.rows_BR.shape == (1, 0)


@given(
    seed=st.integers(0, 10_000),
    n_candidates=st.integers(1, 12),
    k=st.integers(1, 15),
    weight=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_greedy_choice_of_the_paper(seed: int, n_candidates: int, k: int, weight: float) -> None:
    random = np.random.default_rng(seed)
    unit_CD = unit_rows(random.standard_normal((n_candidates, 3)).astype(np.float32))
    relevance_C = np.sort(random.random(n_candidates).astype(np.float32))[::-1]
    score_K, place_K = marginal(relevance_C, unit_CD, k, weight)
    chosen: list[int] = []
    for score, place in zip(score_K.tolist(), place_K.tolist(), strict=True):
        values = {c: value(c, chosen, relevance_C, unit_CD, weight) for c in range(n_candidates) if c not in chosen}
        assert score == pytest.approx(values[place], abs=1e-5)
        assert values[place] >= max(values.values()) - 1e-5
        chosen.append(place)
    assert len(chosen) == min(k, n_candidates)
    assert (np.diff(score_K) <= 1e-6).all()


def value(c: int, chosen: list[int], relevance_C: FloatArray, unit_CD: FloatArray, weight: float) -> float:
    likeness = max([0.0, *(float(unit_CD[c] @ unit_CD[other]) for other in chosen)])
    return weight * float(relevance_C[c]) - (1 - weight) * likeness


def test_what_a_request_may_say() -> None:
    kinds: TypeAdapter[SecondStageKind] = TypeAdapter(Annotated[SecondStageKind, Field(discriminator="kind")])
    for asked, weight in (({"lambda": 1}, 1.0), ({}, 0.7)):
        kind = kinds.validate_python({"kind": "mmr", **asked})
        assert isinstance(kind, Mmr) and kind.lambda_ == weight
    for wrong in ({"lambda": 1.1}, {"lambda": "0.5"}, {"lambda_": 0.5}, {"lambda": float("nan")}):
        with pytest.raises(ValidationError):
            kinds.validate_python({"kind": "mmr", **wrong})
