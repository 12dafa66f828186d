"""Every pair is judged once."""

import numpy as np

from training.ragged import FloatArray, IntArray
from training.teachers.judge_cache import JudgeCache


class Judge:
    """Scores a pair 10 query + item, and remembers what it was asked; it has no opinion of item 3."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        self.asked += zip(query_P.tolist(), item_P.tolist(), strict=True)
        return np.where(item_P == 3, np.nan, 10 * query_P + item_P).astype(np.float32)


def ints(*values: int) -> IntArray:
    return np.array(values, dtype=np.int64)


def test_the_judge_is_asked_for_new_pairs_only() -> None:
    judge, cache = Judge(), JudgeCache(5)
    assert cache.ask(judge, ints(1, 1, 0), ints(2, 2, 4)).tolist() == [12, 12, 4]
    assert cache.ask(judge, ints(1, 2), ints(2, 0)).tolist() == [12, 20]
    assert sorted(judge.asked) == [(0, 4), (1, 2), (2, 0)]
    assert cache.asked == 3
    np.testing.assert_array_equal(cache.lookup(ints(0, 0), ints(4, 1)), [4, np.nan])
    assert len(judge.asked) == 3


def test_no_opinion_stays_unknown_and_all_can_be_forgotten() -> None:
    judge, cache = Judge(), JudgeCache(5)
    assert np.isnan(cache.ask(judge, ints(1), ints(3))).all()
    cache.ask(judge, ints(1), ints(1))
    stored = cache.state()
    cache.forget()
    assert np.isnan(cache.lookup(ints(1), ints(1))).all()
    cache.restore(stored)
    assert cache.lookup(ints(1), ints(1)).tolist() == [11]
    assert cache.asked == 2
