"""A ranking whose head a reranker orders."""

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import ConfigError
from index.attributes import AttributeColumns
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker
from index.reranked import ItemReranker, Reranked
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.test_ranking import role
from tests.index.worded import TableReranker, numbered, table_items

N_ITEMS = 300
SCORES_BN = np.random.default_rng(0).standard_normal((3, N_ITEMS))


class TestReranked(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(clustered(N_ITEMS)[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture
    def ranker(self) -> Ranker:
        return Reranked(DenseRanker(role(clustered(N_ITEMS), FlatKind())), table_items(SCORES_BN)[0], 20)


def test_the_candidates_of_the_first_stage_come_in_the_reranker_s_order() -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(3, seed=4)
    items, table = table_items(SCORES_BN)
    dense = DenseRanker(role(vectors_ND, FlatKind()))
    ranking = Reranked(dense, items, 20).rank(numbered(query_BD), 7)
    candidates_BR = np.argsort(-(query_BD @ vectors_ND.T), axis=1)[:, :20]
    for b, candidates_R in enumerate(candidates_BR):
        wanted = sorted(candidates_R.tolist(), key=lambda row: -SCORES_BN[b, row])[:7]
        assert ranking.rows_BR[b].tolist() == wanted
        np.testing.assert_array_equal(ranking.scores_BR[b], SCORES_BN[b, wanted].astype(np.float32))
    assert table.calls == 60
    assert ranking.total_B.tolist() == [N_ITEMS] * 3
    assert Reranked(dense, items, 20).rank(numbered(query_BD), 30).rows_BR.shape == (3, 30)


def test_vectors_have_nothing_to_read() -> None:
    ranker = Reranked(DenseRanker(role(clustered(N_ITEMS), FlatKind())), table_items(SCORES_BN)[0], 20)
    with pytest.raises(ValueError, match="needs the records of its queries"):
        ranker.rank(Queries(clustered(2, seed=4)), 5)


def test_a_column_that_was_not_kept_is_an_error() -> None:
    columns = AttributeColumns(pa.RecordBatch.from_pydict({"price": [1.0], "name": ["red"]}))
    with pytest.raises(
        ConfigError, match=r"reads title of items, but the attributes have no such column \(price, name\)"
    ):
        ItemReranker.of(TableReranker(SCORES_BN), columns)
