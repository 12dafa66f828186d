"""ADACUR on scores of known rank; every round spends its part of the budget."""

import numpy as np
import pytest

from benchmarks.index_parts.synthetic_cross_encoder import synthetic_scores
from index.cur.adacur import adacur, estimate
from index.cur.paid_scores import FloatArray, IntArray, PaidScores


def test_scores_of_exact_rank_are_estimated_exactly() -> None:
    data = synthetic_scores(300, 40, 3, rank=12)
    known = np.arange(20, 34)
    for t in range(3):
        found = estimate(data.anchor_NQ, known, data.test_TN[t, known], 1e-10)
        assert np.abs(found - data.test_TN[t]).max() < 1e-8


def test_the_budget_is_spent_in_rounds_and_no_row_twice() -> None:
    data = synthetic_scores(300, 40, 1, rank=12, noise=0.1)
    parts: list[int] = []

    def counting(rows_M: IntArray) -> FloatArray:
        parts.append(len(rows_M))
        return data.scorer(0)(rows_M)

    pool = np.argsort(-data.dual_TN[0])
    paid = PaidScores(counting, 32)
    adacur(data.anchor_NQ[pool], np.zeros(300), pool, paid, 5, 0.05)
    assert parts == [7, 7, 6, 6, 6]
    assert paid.calls == len(set(paid.rows_A.tolist())) == 32
    assert paid.rows_A[:7].tolist() == pool[:7].tolist()
    np.testing.assert_array_equal(paid.scores_A, data.test_TN[0, paid.rows_A].astype(np.float32))


def test_the_second_round_takes_what_the_first_makes_look_best() -> None:
    data = synthetic_scores(300, 40, 1, rank=6)
    pool = np.arange(300)
    paid = PaidScores(data.scorer(0), 20)
    adacur(data.anchor_NQ, np.zeros(300), pool, paid, 2, 1e-10)
    others = np.arange(10, 300)
    assert paid.rows_A[10:].tolist() == others[np.argsort(-data.test_TN[0, others])[:10]].tolist()


def test_only_what_the_first_guess_misses_is_estimated() -> None:
    """A guess that is right but for rank two is made exact by seven scores; without it twelve are needed."""
    data = synthetic_scores(300, 40, 1, rank=12)
    rng = np.random.default_rng(3)
    missed_NR, mixture_QR = rng.standard_normal((300, 2)), rng.standard_normal((41, 2))
    guess = data.test_TN[0]
    score = guess + missed_NR @ mixture_QR[-1]
    pool = np.argsort(-guess)
    paid = PaidScores(lambda rows_M: score[rows_M], 13)
    adacur((missed_NR @ mixture_QR[:-1].T)[pool], guess[pool], pool, paid, 2, 1e-10)
    others = np.setdiff1d(np.arange(300), pool[:7])
    assert paid.rows_A[7:].tolist() == others[np.argsort(-score[others])[:6]].tolist()


@pytest.mark.parametrize("rounds", [1, 4])
def test_items_in_another_order_give_the_same_answer(rounds: int) -> None:
    data = synthetic_scores(300, 40, 1, rank=12, noise=0.1)
    pool = np.argsort(-data.dual_TN[0])
    paid = PaidScores(data.scorer(0), 24)
    adacur(data.anchor_NQ[pool], np.zeros(300), pool, paid, rounds, 0.05)
    place_N = np.random.default_rng(1).permutation(300)  # row r is called place_N[r] now
    row_N = np.argsort(place_N)
    moved = PaidScores(lambda rows_M: data.scorer(0)(row_N[rows_M]), 24)
    adacur(data.anchor_NQ[row_N][place_N[pool]], np.zeros(300), place_N[pool], moved, rounds, 0.05)
    assert moved.rows_A.tolist() == place_N[paid.rows_A].tolist()


def test_a_pool_smaller_than_the_budget_is_scored_whole() -> None:
    data = synthetic_scores(9, 40, 1, rank=4)
    paid = PaidScores(data.scorer(0), 20)
    adacur(data.anchor_NQ[:7], np.zeros(7), np.arange(7), paid, 3, 0.05)
    assert sorted(paid.rows_A.tolist()) == list(range(7))
    nothing = PaidScores(data.scorer(0), 20)
    adacur(data.anchor_NQ[:0], np.zeros(0), np.arange(0), nothing, 3, 0.05)
    assert nothing.calls == 0
