"""Cross-encoder search as a ranker: its promises, its budget, and what the dense ranker keeps from it."""

import numpy as np
import pytest

from benchmarks.index_parts.synthetic_cross_encoder import synthetic_scores
from index.cross_encoder_ranking import CrossEncoderSearch
from index.cur.kinds import AdacurKind, AnncurKind, CurSearch
from index.errors import RerankerFailed
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, FloatArray, Queries, Ranker, Ranking
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.test_ranking import role
from tests.index.worded import numbered, table_items

N_ITEMS, BUDGET = 300, 30
DATA = synthetic_scores(N_ITEMS, 40, 3, rank=6, noise=0.05)
ADACUR = AdacurKind.model_validate({"queries": "q.csv", "n_queries": 40, "pool": 100, "rounds": 3})
ANNCUR = AnncurKind.model_validate({"queries": "q.csv", "n_queries": 40, "n_items": 12})
VECTORS_ND, QUERY_BD = clustered(N_ITEMS), clustered(3, seed=4)


def opened(kind: AdacurKind | AnncurKind) -> CurSearch:
    dense_NQ = np.random.default_rng(0).standard_normal((N_ITEMS, 40)).astype(np.float32)
    stored, report = kind.fit(DATA.anchor_NQ.astype(np.float32), dense_NQ, 0)
    assert (report.n_queries, report.calls) == (40, 40 * N_ITEMS)
    return kind.open(stored, report)


class Without:
    """A dense ranker that may not return some rows, as under a filter."""

    def __init__(self, rows: list[int]) -> None:
        self._rows = rows

    def rank(self, queries: Queries, depth: int) -> Ranking:
        assert queries.vectors_BD is not None
        allowed = np.setdiff1d(np.arange(N_ITEMS), self._rows)
        score_BM: FloatArray = queries.vectors_BD @ VECTORS_ND[allowed].T
        order_BR = np.argsort(-score_BM, axis=1)[:, :depth]
        return Ranking(np.take_along_axis(score_BM, order_BR, 1), allowed[order_BR], np.full(3, len(allowed)))


@pytest.mark.parametrize("kind", [ADACUR, ANNCUR], ids=lambda kind: kind.kind)
class TestCrossEncoderSearch(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(VECTORS_ND[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture
    def ranker(self, kind: AdacurKind | AnncurKind) -> Ranker:
        dense = DenseRanker(role(VECTORS_ND, FlatKind()))
        return CrossEncoderSearch(dense, table_items(DATA.test_TN)[0], opened(kind), N_ITEMS, BUDGET)


@pytest.mark.parametrize("kind", [ADACUR, ANNCUR], ids=lambda kind: kind.kind)
def test_the_budget_is_spent_and_scores_are_the_cross_encoder_s(kind: AdacurKind | AnncurKind) -> None:
    items, table = table_items(DATA.test_TN)
    ranker = CrossEncoderSearch(DenseRanker(role(VECTORS_ND, FlatKind())), items, opened(kind), N_ITEMS, BUDGET)
    ranking = ranker.rank(numbered(QUERY_BD), 10)
    assert table.calls == 3 * BUDGET
    for b in range(3):
        scores, rows = ranking.of(b, 10)
        np.testing.assert_array_equal(scores, DATA.test_TN[b, rows].astype(np.float32))
    assert ranking.total_B.tolist() == [N_ITEMS] * 3


def test_the_estimate_finds_what_dense_scores_know_nothing_of() -> None:
    dense = DenseRanker(role(VECTORS_ND, FlatKind()))  # its order has nothing to do with the scores
    search = opened(ADACUR.model_copy(update={"pool": N_ITEMS}))
    ranking = CrossEncoderSearch(dense, table_items(DATA.test_TN)[0], search, N_ITEMS, BUDGET).rank(
        numbered(QUERY_BD), 10
    )
    found = [len(np.intersect1d(ranking.rows_BR[b], np.argsort(-DATA.test_TN[b])[:10])) for b in range(3)]
    assert np.mean(found) > 7


@pytest.mark.parametrize("kind", [ADACUR, ANNCUR], ids=lambda kind: kind.kind)
def test_rows_that_the_dense_ranker_keeps_back_are_no_hits(kind: AdacurKind | AnncurKind) -> None:
    search = opened(kind)
    kept_back = [*search.anchor_rows.tolist()[:5], *range(200)]
    ranker = CrossEncoderSearch(Without(kept_back), table_items(DATA.test_TN)[0], search, N_ITEMS, BUDGET)
    n_left = N_ITEMS - len(set(kept_back))
    for depth in (5, BUDGET + 5, N_ITEMS):
        ranking = ranker.rank(numbered(QUERY_BD), depth)
        for b in range(3):
            rows = ranking.of(b, depth)[1]
            assert len(rows) == min(depth, n_left)
            assert not set(rows.tolist()) & set(kept_back)


def test_a_cross_encoder_that_fails_has_no_other_order_to_give() -> None:
    not_a_number_TN = np.full((3, N_ITEMS), np.nan)
    items, _ = table_items(not_a_number_TN)
    ranker = CrossEncoderSearch(DenseRanker(role(VECTORS_ND, FlatKind())), items, opened(ADACUR), N_ITEMS, BUDGET)
    with pytest.raises(RerankerFailed, match="not numbers"):
        ranker.rank(numbered(QUERY_BD), 10)
