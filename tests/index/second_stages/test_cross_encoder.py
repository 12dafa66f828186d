"""A ranking whose head a cross-encoder orders."""

import numpy as np
import pytest

from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker
from index.second_stages.contract import Runtime
from index.second_stages.cross_encoder import CrossEncoder
from index.second_stages.staged import Staged
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.test_ranking import role
from tests.index.worded import numbered, table_items

N_ITEMS = 300
SCORES_BN = np.random.default_rng(0).standard_normal((3, N_ITEMS))


class TestCrossEncoder(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(clustered(N_ITEMS)[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture
    def ranker(self) -> Ranker:
        served = role(clustered(N_ITEMS), FlatKind())
        return Staged(
            DenseRanker(served),
            CrossEncoder(kind="cross_encoder").build(Runtime(served, table_items(SCORES_BN)[0])),
            20,
        )


def test_the_candidates_of_the_first_stage_come_in_the_reranker_s_order() -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(3, seed=4)
    items, table = table_items(SCORES_BN)
    served = role(vectors_ND, FlatKind())
    stage = CrossEncoder(kind="cross_encoder").build(Runtime(served, items))
    ranker = Staged(DenseRanker(served), stage, 20)
    ranking = ranker.rank(numbered(query_BD), 7)
    candidates_BR = np.argsort(-(query_BD @ vectors_ND.T), axis=1)[:, :20]
    for b, candidates_R in enumerate(candidates_BR):
        wanted = sorted(candidates_R.tolist(), key=lambda row: -SCORES_BN[b, row])[:7]
        assert ranking.rows_BR[b].tolist() == wanted
        np.testing.assert_array_equal(ranking.scores_BR[b], SCORES_BN[b, wanted].astype(np.float32))
    assert table.calls == 60
    assert ranking.total_B.tolist() == [N_ITEMS] * 3
    assert ranker.rank(numbered(query_BD), 30).rows_BR.shape == (3, 30)


def test_a_gap_reads_no_deeper_than_it_must() -> None:
    falling_BN = -np.arange(N_ITEMS, dtype=np.float64)[None]
    items, table = table_items(falling_BN)
    served = role(clustered(N_ITEMS), FlatKind())
    first = DenseRanker(served)
    query = numbered(clustered(1, seed=4))
    CrossEncoder(kind="cross_encoder", stop_gap=0.0).build(Runtime(served, items)).order(
        query, first.rank(query, N_ITEMS), 2
    )
    assert table.calls < N_ITEMS and table.calls % 8 == 0


def test_without_a_reranker_or_without_records_there_is_nothing_to_read() -> None:
    served = role(clustered(N_ITEMS), FlatKind())
    with pytest.raises(ValueError, match="has no reranker"):
        CrossEncoder(kind="cross_encoder").build(Runtime(served))
    ranker = Staged(
        DenseRanker(served), CrossEncoder(kind="cross_encoder").build(Runtime(served, table_items(SCORES_BN)[0])), 20
    )
    with pytest.raises(ValueError, match="needs the records of its queries"):
        ranker.rank(Queries(clustered(2, seed=4)), 5)
