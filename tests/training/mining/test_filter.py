"""The positive-aware filter and the judge's cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.mining.filter import below_positive, judged_below, lowest
from training.ragged import FloatArray, Ragged


def floats(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def one_row(n: int) -> Ragged:
    return Ragged.from_rows([range(n)])


def test_the_95_percent_rule() -> None:
    score_V = floats(0.79, 0.77, 0.75, 0.40)  # training dossier 8.4: the threshold is .76
    keep_V = below_positive(one_row(4), score_V, floats(0.80), relative=0.05)
    assert keep_V.tolist() == [False, False, True, True]
    assert below_positive(one_row(2), floats(-0.205, -0.215), floats(-0.2), relative=0.05).tolist() == [False, True]


def test_of_several_positives_the_lowest_counts() -> None:
    positive_Q = lowest(Ragged.from_rows([[1, 2], [], [3, 4]]), floats(0.9, 0.5, 0.7, np.nan))
    np.testing.assert_allclose(positive_Q, [0.5, np.nan, 0.7], rtol=1e-6)
    found = Ragged.from_rows([[7, 8], [7], [8]])
    keep_V = below_positive(found, floats(0.6, 0.4, 0.9, 0.6), positive_Q, relative=0.05)
    assert keep_V.tolist() == [False, True, True, True]  # without a positive there is no limit


def test_the_fixed_margin_and_the_ceiling() -> None:
    score_V = floats(0.75, 0.65, 0.55)
    assert below_positive(one_row(3), score_V, floats(0.8), absolute=0.1).tolist() == [False, True, True]
    assert below_positive(one_row(3), score_V, floats(0.8), ceiling=0.6).tolist() == [False, False, True]
    assert below_positive(one_row(3), score_V, floats(0.5)).all()


def test_the_judge_s_cut_leaves_what_it_did_not_judge() -> None:
    judge_V = floats(0.72, 0.715, 0.70, np.nan)
    assert judged_below(one_row(4), judge_V, floats(0.72), 0.01).tolist() == [False, False, True, True]
    assert judged_below(one_row(4), judge_V, floats(np.nan), 0.01).all()


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
    st.floats(-1, 1, width=32),
    st.floats(0, 0.5, width=16),
)
def test_whoever_scores_like_the_positive_never_stays(scores: list[float], positive: float, margin: float) -> None:
    score_V = floats(*scores, positive)
    keep_V = below_positive(one_row(len(score_V)), score_V, floats(positive), relative=margin)
    assert not keep_V[score_V >= positive].any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_false_negatives_go_and_true_hard_negatives_stay(seed: int) -> None:
    """E7: a fifth of the mined pool answers the query as well as its positive does; scores carry noise."""
    rng = np.random.default_rng(seed)
    n_queries, n_hard, n_false = 400, 16, 4
    positive_Q = rng.uniform(0.6, 0.9, n_queries).astype(np.float32)
    hard_QK = positive_Q[:, None] * rng.uniform(0.6, 0.96, (n_queries, n_hard))
    false_QK = positive_Q[:, None] * (1 + rng.normal(0.02, 0.03, (n_queries, n_false)))
    found = Ragged.from_rows([range(n_hard + n_false)] * n_queries)
    score_V = np.concatenate([hard_QK, false_QK], axis=1).astype(np.float32).reshape(-1)
    keep_QK = below_positive(found, score_V, positive_Q, relative=0.05).reshape(n_queries, -1)
    assert (~keep_QK[:, n_hard:]).mean() >= 0.9
    assert keep_QK[:, :n_hard].mean() >= 0.7
    judge_V = np.concatenate(
        [rng.normal(0.3, 0.15, hard_QK.shape), rng.normal(0.8, 0.05, false_QK.shape)], axis=1
    ).reshape(-1)
    judged = judged_below(found, judge_V.astype(np.float32), np.full(n_queries, 0.7, np.float32), 0.01)
    cut_QK = judged.reshape(n_queries, -1)
    assert (~cut_QK[:, n_hard:]).mean() >= 0.9
    assert cut_QK[:, :n_hard].mean() >= 0.7
