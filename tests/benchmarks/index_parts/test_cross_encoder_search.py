"""The comparison's own arithmetic, on scores that are known."""

import numpy as np
import pytest

from benchmarks.index_parts.cross_encoder_search import answer, methods
from benchmarks.index_parts.synthetic_cross_encoder import synthetic_scores
from index.cur.paid_scores import PaidScores

DATA = synthetic_scores(120, 30, 6, rank=5, seed=1)


def test_recall_is_the_share_of_the_cross_encoders_own_best() -> None:
    def own_best_but_the_first(t: int, paid: PaidScores) -> None:
        paid.pay(np.argsort(-DATA.test_TN[t])[1:21])

    found = answer(DATA, own_best_but_the_first, 20)
    assert found.recall == {1: 0.0, 10: pytest.approx(0.9)}


def test_every_method_spends_the_same_calls() -> None:
    for spend in methods(DATA, 40, seed=0).values():
        answer(DATA, spend, 40)
    with pytest.raises(ValueError, match="another number of calls than 41"):
        answer(DATA, lambda t, paid: paid.pay(np.arange(40)), 41)


def test_the_estimate_finds_what_the_dual_encoder_cannot_see() -> None:
    found = {name: answer(DATA, spend, 20).recall[10] for name, spend in methods(DATA, 20, seed=0).items()}
    assert found["adacur prior rounds=5"] > 0.95 > found["rerank"]
