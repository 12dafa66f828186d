from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.allowed_rows import AllowedRows
from index.lexical.bm25 import Bm25
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker, best
from index.ranking import Queries
from tests.contracts.ranker import RankerContract
from tests.index.lexical.world import index, texts

TEXT = QueryText(["text"], ["text"])


@pytest.fixture(scope="module")
def bm25(tmp_path_factory: pytest.TempPathFactory) -> Bm25:
    return index(tmp_path_factory.mktemp("words") / "lexical", texts(200))


def asked(*queries: str) -> Queries:
    return Queries(records=[{"text": query} for query in queries])


class TestLexicalRanker(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return 200

    @pytest.fixture
    def queries(self) -> Queries:
        records = [{"text": text} for text in ("red mug", "wood", "old old lamp", "unheard")]
        return Queries(records=records, own_rows_B=np.array([5, 17, 80, 3]))

    @pytest.fixture(params=[None, 3], ids=["all", "every third"])
    def ranker(self, request: pytest.FixtureRequest, bm25: Bm25) -> LexicalRanker:
        step = request.param
        allowed = None if step is None else AllowedRows.of_mask(np.arange(200) % step == 0)
        return LexicalRanker(bm25, TEXT, allowed)


def test_the_ranking_is_by_score_and_then_by_row(bm25: Bm25) -> None:
    ranking = LexicalRanker(bm25, TEXT).rank(asked("red mug"), 200)
    score_N = bm25.scores("red mug")
    expected = [row for row in np.argsort(-score_N, kind="stable").tolist() if score_N[row] > 0]
    assert ranking.of(0, 200)[1].tolist() == expected
    assert ranking.total_B.tolist() == [len(expected)]
    assert LexicalRanker(bm25, TEXT).rank(asked("red mug"), 7).rows_BR.tolist() == [expected[:7]]


def test_only_allowed_rows_are_ranked(bm25: Bm25) -> None:
    mask_N = np.random.default_rng(1).random(200) < 0.1
    ranking = LexicalRanker(bm25, TEXT, AllowedRows.of_mask(mask_N)).rank(asked("red"), 200)
    assert sorted(ranking.of(0, 200)[1].tolist()) == np.flatnonzero((bm25.scores("red") > 0) & mask_N).tolist()


def test_a_query_without_a_known_word_finds_nothing_beside_one_that_does(bm25: Bm25) -> None:
    ranking = LexicalRanker(bm25, TEXT).rank(asked("unheard of", "mug"), 4)
    assert ranking.total_B[0] == 0 and ranking.total_B[1] > 4
    assert ranking.rows_BR[0].tolist() == [-1] * 4
    assert ranking.of(0, 4)[1].tolist() == []


def test_vectors_have_no_words(bm25: Bm25) -> None:
    with pytest.raises(ValueError, match="records"):
        LexicalRanker(bm25, TEXT).rank(Queries(np.zeros((1, 4), dtype=np.float32)), 3)


def test_many_threads_give_the_serial_answers(bm25: Bm25) -> None:
    ranker, queries = LexicalRanker(bm25, TEXT), texts(64, seed=2)
    serial = [ranker.rank(asked(query), 9) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(serial, pool.map(lambda query: ranker.rank(asked(query), 9), queries), strict=True):
            assert one.rows_BR.tolist() == other.rows_BR.tolist()
            assert one.scores_BR.tolist() == other.scores_BR.tolist()


@given(hnp.arrays(np.float32, st.integers(1, 30), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])), st.integers(1, 32))
def test_the_best_are_those_of_a_full_sort(score_N: np.ndarray, depth: int) -> None:
    expected = [row for row in np.argsort(-score_N, kind="stable").tolist() if score_N[row] > 0]
    score_R, row_R, total = best(score_N, depth)
    assert row_R.tolist() == expected[:depth]
    assert score_R.tolist() == score_N[expected[:depth]].tolist()
    assert total == len(expected)
