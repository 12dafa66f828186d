"""The history that a feature ranker reads of a record, and what it raises."""

from pathlib import Path

import numpy as np
import pytest

from bundle.errors import InvalidRecord
from bundle.featurize import Record
from index.errors import RerankerFailed
from index.feature_ranking import CorpusRanker
from tests.contracts.index_kind import clustered
from tests.index.feature_corpus import feature_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> CorpusRanker:
    return feature_corpus(tmp_path)


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


def test_scores_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    corpus = feature_corpus(tmp_path, {"log_count": float("nan")})
    with pytest.raises(RerankerFailed, match="scores that are not numbers"):
        corpus.score(corpus.asking(clustered(1), None)[0], np.array([2, 250]))
