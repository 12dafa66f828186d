import numpy as np
import pyarrow as pa
import pytest

from evaluation.errors import NothingToMeasure, QueriesDiffer
from evaluation.judged.pool import Pool

ONE = {"q2": ["a", "b"], "q1": ["c"]}
OTHER = {"q2": ["b", "x"], "q1": ["c"]}


def test_a_pool_holds_what_any_run_ranks_once_and_knows_the_ranks_in_each() -> None:
    pool = Pool.of([ONE, OTHER], more=[("q1", "z"), ("unasked", "z")])
    assert pool.pairs == (("q2", "a"), ("q2", "b"), ("q2", "x"), ("q1", "c"), ("q1", "z"))
    assert pool.query_N.tolist() == [0, 0, 0, 1, 1]
    assert pool.ranks(ONE).tolist() == [1, 2, 0, 1, 0]
    assert pool.ranks(OTHER).tolist() == [0, 1, 2, 1, 0]


def test_runs_of_other_queries_and_runs_without_hits_are_refused() -> None:
    with pytest.raises(QueriesDiffer, match="'q1'"):
        Pool.of([ONE, {"q2": ["a"]}])
    with pytest.raises(NothingToMeasure, match="no hits"):
        Pool.of([{"q": []}])


def test_votes_and_labels_find_their_pairs() -> None:
    pool = Pool.of([ONE])
    votes = pa.table(
        {"query_id": ["q2", "q2", "q9"], "item_id": ["a", "b", "a"], "judge": ["m", "l", "l"], "score": [0.5, 1, 1]}
    )
    gold = pa.table({"query_id": ["q1"], "item_id": ["c"], "grade": [2.0], "probability": [0.25]})
    judged = pool.judged(votes, gold, pool.ranks(ONE))
    np.testing.assert_array_equal(judged.vote_NJ, [[np.nan, 0.5], [1, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(judged.gold_N, [np.nan, np.nan, 2])
    assert judged.probability_N.tolist() == [1, 1, 0.25]
