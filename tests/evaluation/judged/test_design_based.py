from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import TooFewLabels
from evaluation.judged.design_based import corrected_gains, estimate_mean, estimate_ratio
from evaluation.judged.measure import rank_weights
from evaluation.judged.pairs import JudgedPairs
from tests.evaluation.judged.worlds import world


def test_the_correction_by_hand() -> None:
    nan = np.nan
    pairs = JudgedPairs(
        2,
        np.array([0, 0, 1]),
        np.zeros((3, 0)),
        np.zeros((3, 0)),
        np.array([1.0, nan, 0.0]),
        np.array([0.5, 0.5, 0.25]),
    )
    # 0.4 + (1 - 0.4) / 0.5, nothing known, 0.1 + (0 - 0.1) / 0.25
    np.testing.assert_allclose(corrected_gains(pairs, np.array([0.4, 0.2, 0.1])), [1.6, 0.2, -0.3])


def test_with_every_pair_labelled_it_is_the_plain_mean_and_its_error() -> None:
    made = world(0)
    weight_N = rank_weights("dcg", 10, made.rank_N)
    total_Q = np.bincount(made.query_N, weights=weight_N * made.gain_N)
    result = estimate_mean(made.labelled(1.0, 0), weight_N).corrected
    assert result.value == pytest.approx(total_Q.mean(), abs=1e-12)
    assert result.standard_error == pytest.approx(total_Q.std(ddof=1) / len(total_Q) ** 0.5, abs=1e-12)
    exact = estimate_mean(made.labelled(1.0, 0), weight_N, scope="these_queries").corrected
    assert (exact.value, exact.standard_error) == (result.value, 0)


def test_intervals_cover_the_truth_and_judges_alone_do_not() -> None:
    big = world(999, n_queries=100_000)
    truth = float((rank_weights("dcg", 10, big.rank_N) * big.gain_N).sum()) / big.n_queries
    covered, errors, alone = [], [], []
    for seed in range(200):
        made = world(seed, n_queries=300)
        weight_N = rank_weights("dcg", 10, made.rank_N)
        result = estimate_mean(made.labelled(0.1, seed), weight_N, seed=seed)
        covered.append(result.corrected.covers(truth))
        errors.append(result.corrected.value - truth)
        alone.append(result.judges_alone - truth)
    assert 0.90 <= np.mean(covered) <= 0.99
    assert abs(np.mean(errors)) < 0.1 * abs(np.mean(alone))


def test_intervals_for_these_queries_cover_over_draws_of_labels() -> None:
    made = world(5, n_queries=500)
    weight_N = rank_weights("precision", 10, made.rank_N)
    truth = float((weight_N * made.gain_N).sum()) / made.n_queries
    results = [
        estimate_mean(made.labelled(0.2, seed), weight_N, scope="these_queries", seed=seed).corrected
        for seed in range(150)
    ]
    assert 0.88 <= np.mean([one.covers(truth) for one in results]) <= 0.995
    spread = np.std([one.value for one in results])
    assert np.mean([one.standard_error for one in results]) == pytest.approx(spread, rel=0.2)


def test_recall_is_a_ratio_of_sums() -> None:
    made = world(6)
    weight_N = rank_weights("hits", 3, made.rank_N)
    norm_N = np.ones_like(weight_N)
    result = estimate_ratio(made.labelled(1.0, 0), weight_N, norm_N)
    assert result.corrected.value == pytest.approx((weight_N * made.gain_N).sum() / made.gain_N.sum())
    total_Q2 = np.stack([np.bincount(made.query_N, weights=w * made.gain_N) for w in (weight_N, norm_N)], axis=1)
    draws = np.random.default_rng(0).integers(0, made.n_queries, (2000, made.n_queries))
    resampled = total_Q2[draws].sum(axis=1)
    assert result.corrected.standard_error == pytest.approx((resampled[:, 0] / resampled[:, 1]).std(), rel=0.1)


def test_a_share_of_nothing_and_labels_of_few_queries_are_refused() -> None:
    made = world(7)
    weight_N = rank_weights("hits", 3, made.rank_N)
    none = replace(made, gain_N=np.zeros_like(made.gain_N))
    with pytest.raises(TooFewLabels, match="not clearly above zero"):
        estimate_ratio(none.labelled(1.0, 0), weight_N, np.ones_like(weight_N))
    chance_N = np.where(made.query_N < 3, 1.0, 1e-9)
    with pytest.raises(TooFewLabels, match="of at least 5"):
        estimate_mean(made.labelled(chance_N, 0), weight_N)
