"""A ranking whose head a feature ranker orders, and the history that it reads of a record."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import InvalidRecord
from bundle.featurize import Record
from bundle.rerankers.feature_ranker import FeatureRankerSpec
from bundle.rerankers.pair_features import ItemSide
from bundle.session import SessionConfig
from index.arrow_file import open_arrow, write_arrow
from index.feature_ranking import CorpusRanker, FeatureRanked
from index.ids import ItemIds, id_table
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.test_ranking import role
from tests.index.worded import numbered
from tests.tiny_feature_ranker import write_feature_ranker

N_ITEMS = 300
IDS = [f"i{row:03}" for row in range(N_ITEMS)]
SPEC = FeatureRankerSpec(history_field="history", history_length=3, depth=20)


@pytest.fixture
def corpus(tmp_path: Path) -> CorpusRanker:
    """Orders by the counts: item 299 was taken 299 times, and so on; less what is like the history."""
    taken = np.repeat(np.arange(N_ITEMS), np.arange(N_ITEMS)).tolist()
    write_feature_ranker(tmp_path, SPEC, {"log_count": 1, "similarity_max": -5}, IDS, taken)
    ranker = SPEC.open(tmp_path, {}, SessionConfig())
    write_arrow(tmp_path / "ids.arrow", id_table(pa.chunked_array([IDS])))
    arrays = ranker.item_arrays(pa.array(IDS), {})
    items = ItemSide(clustered(N_ITEMS), *arrays, np.empty((N_ITEMS, 0), dtype=np.int64))
    return CorpusRanker(ranker, items, ItemIds(open_arrow(tmp_path / "ids.arrow", mmap=False)), None)


class TestFeatureRanked(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(clustered(N_ITEMS)[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture
    def ranker(self, corpus: CorpusRanker) -> Ranker:
        return FeatureRanked(DenseRanker(role(clustered(N_ITEMS), FlatKind())), corpus, 20)


def test_the_candidates_of_the_first_stage_come_in_its_order(corpus: CorpusRanker) -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(3, seed=4)
    dense = DenseRanker(role(vectors_ND, FlatKind()))
    ranking = FeatureRanked(dense, corpus, 20).rank(Queries(query_BD), 7)
    for b, candidates_R in enumerate(np.argsort(-(query_BD @ vectors_ND.T), axis=1)[:, :20]):
        rows_R = np.sort(candidates_R)[::-1][:7]
        assert ranking.rows_BR[b].tolist() == rows_R.tolist()
        np.testing.assert_allclose(ranking.scores_BR[b], np.log1p(rows_R), rtol=1e-5)


def test_of_a_history_the_last_items_that_the_corpus_holds_are_read(corpus: CorpusRanker) -> None:
    vectors_BD = clustered(3, seed=4)
    records: list[Record] = [{"history": ["i001", "i002", "gone", "i004"]}, {"history": None}, {}]
    read = [query.history_H.tolist() for query in corpus.asking(vectors_BD, records)]
    assert read == [[2, 4], [], []]
    assert [query.history_H.tolist() for query in corpus.asking(vectors_BD, None)] == [[], [], []]
    rows_M = np.array([2, 250])
    liked, unknown = (corpus.score(query, rows_M) for query in corpus.asking(vectors_BD[:2], records[:2]))
    assert liked[0] == pytest.approx(unknown[0] - 5, abs=1e-4)
    with pytest.raises(InvalidRecord, match="record 1, feature 'history': must be a list, but is str"):
        corpus.asking(vectors_BD[:2], [{}, {"history": "i001"}])
