"""ANNCUR on scores of known rank, and beside the peak of noise where anchors are as many as queries."""

import numpy as np
import pytest

from benchmarks.index_parts.synthetic_cross_encoder import synthetic_scores
from index.cur.anncur import anncur, check_anchors, condition_number, embed_over_anchors
from index.cur.paid_scores import PaidScores


def test_scores_of_exact_rank_are_reconstructed() -> None:
    data = synthetic_scores(400, 40, 5, rank=12)
    anchors = np.arange(0, 60, 2)
    found = embed_over_anchors(data.anchor_NQ, anchors, 1e-10)
    error = found.embedding_NI @ data.test_TN[:, anchors].T - data.test_TN.T
    assert np.abs(error).max() < 1e-8
    assert found.condition > 1e10  # thirty anchors of rank twelve


@pytest.mark.parametrize("seed", range(3))
def test_as_many_anchors_as_queries_do_not_blow_up_noise(seed: int) -> None:
    data = synthetic_scores(2000, 100, 50, rank=60, noise=0.3, bounded=True, seed=seed)
    anchors = np.random.default_rng(seed).choice(2000, 100, replace=False)

    def relative_error(rcond: float) -> float:
        inverse_QI = np.linalg.pinv(data.anchor_NQ[anchors], rcond=rcond)
        estimate_NT = data.anchor_NQ @ inverse_QI @ data.test_TN[:, anchors].T
        return float(np.linalg.norm(estimate_NT - data.test_TN.T) / np.linalg.norm(data.test_TN))

    embedding_NI = embed_over_anchors(data.anchor_NQ, anchors, 0.05).embedding_NI
    error = np.linalg.norm(embedding_NI @ data.test_TN[:, anchors].T - data.test_TN.T) / np.linalg.norm(data.test_TN)
    assert error == pytest.approx(relative_error(0.05))
    assert error < 1 < relative_error(1e-15)


def test_anchors_as_many_as_queries_need_regularisation() -> None:
    check_anchors(100, 100, 0.05)
    check_anchors(100, 80, 0.0)
    check_anchors(100, 125, 0.0)
    for n_items in (81, 100, 124):
        with pytest.raises(
            ValueError, match=f"{n_items} anchor items and 100 anchor queries .* at most 80 anchor items"
        ):
            check_anchors(100, n_items, 0.0)


def test_the_condition_number_is_that_of_the_singular_values() -> None:
    assert condition_number(np.diag([8.0, 4.0, 2.0])) == pytest.approx(4)
    assert condition_number(np.diag([8.0, 0.0])) == np.inf


def test_the_budget_is_spent_and_the_scores_are_the_cross_encoders() -> None:
    data = synthetic_scores(400, 40, 5, rank=12)
    anchors = np.arange(100, 116)
    embedding_NI = embed_over_anchors(data.anchor_NQ, anchors, 1e-10).embedding_NI
    for t in range(5):
        paid = PaidScores(data.scorer(t), 30)
        anncur(embedding_NI, 0.0, anchors, None, paid)
        assert paid.calls == 30
        scores, rows = paid.best(14)
        np.testing.assert_array_equal(scores, data.test_TN[t, rows].astype(np.float32))
        assert set(anchors.tolist()) <= set(paid.rows_A.tolist())
        assert rows[:14].tolist() == np.argsort(-data.test_TN[t])[:14].tolist()  # rank and anchors make it exact


def test_candidates_limit_what_is_scored_beside_the_anchors() -> None:
    data = synthetic_scores(400, 40, 1, rank=12)
    anchors, candidates = np.arange(100, 116), np.arange(110, 160, dtype=np.int64)
    embedding_NI = embed_over_anchors(data.anchor_NQ, anchors, 1e-10).embedding_NI
    paid = PaidScores(data.scorer(0), 20)
    anncur(embedding_NI, 0.0, anchors, candidates, paid)
    others = np.setdiff1d(candidates, anchors)
    assert paid.rows_A[16:].tolist() == others[np.argsort(-data.test_TN[0, others])[:4]].tolist()
    everything = PaidScores(data.scorer(0), 300)
    anncur(embedding_NI, 0.0, anchors, candidates, everything)
    assert sorted(everything.rows_A.tolist()) == np.union1d(anchors, candidates).tolist()


def test_scores_far_from_zero_lose_nothing_once_their_mean_is_taken() -> None:
    data, anchors = synthetic_scores(400, 40, 5, rank=6), np.arange(0, 30, 2)
    far_NQ, far_TN = data.anchor_NQ + 50, data.test_TN + 50

    def found(mean: float) -> float:
        embedding_NI = embed_over_anchors(far_NQ - mean, anchors, 0.05).embedding_NI
        shares = []
        for score_N in far_TN:
            paid = PaidScores(lambda rows_M, score_N=score_N: score_N[rows_M], 30)  # type: ignore[misc]
            anncur(embedding_NI, mean, anchors, None, paid)
            shares.append(np.isin(np.argsort(-score_N)[:10], paid.rows_A).mean())
        return float(np.mean(shares))

    assert found(0) < 0.5 < 0.9 < found(float(far_NQ.mean()))
