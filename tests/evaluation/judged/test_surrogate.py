from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import TooFewLabels
from evaluation.judged.surrogate import folds_of, predicted_gains, squared_errors
from tests.evaluation.judged.worlds import world


def test_a_query_s_own_labels_do_not_enter_its_prediction() -> None:
    pairs = world(1).labelled(0.3, 1)
    own_N = pairs.query_N == 7
    other = replace(pairs, gold_N=np.where(own_N & pairs.is_gold_N, 1 - pairs.gold_N, pairs.gold_N))
    before, after = predicted_gains(pairs, 0), predicted_gains(other, 0)
    fold_N = folds_of(pairs.query_N, pairs.n_queries, 0)
    same_fold_N = fold_N == fold_N[own_N][0]
    np.testing.assert_array_equal(before[same_fold_N], after[same_fold_N])
    eager = replace(pairs, vote_NJ=np.where(own_N[:, None], 5.0, pairs.vote_NJ))
    higher = replace(eager, gold_N=np.where(own_N & pairs.is_gold_N, 100.0, pairs.gold_N))
    np.testing.assert_array_equal(predicted_gains(eager, 0)[own_N], predicted_gains(higher, 0)[own_N])
    assert (before[~same_fold_N] != after[~same_fold_N]).any()


def test_judges_may_stand_in_any_order_and_may_be_silent() -> None:
    pairs = world(2).labelled(0.3, 2)
    silent_NJ = np.where(np.random.default_rng(0).random(pairs.vote_NJ.shape) < 0.4, np.nan, pairs.vote_NJ)
    one = replace(pairs, vote_NJ=silent_NJ)
    np.testing.assert_allclose(
        predicted_gains(one, 0), predicted_gains(replace(one, vote_NJ=silent_NJ[:, ::-1]), 0), atol=1e-10
    )


def test_a_judge_that_knows_is_believed_and_predictions_stay_in_range() -> None:
    made = world(3)
    told = replace(made, vote_NJ=made.gain_N[:, None])
    predicted_N = predicted_gains(told.labelled(0.3, 0), 0)
    assert np.abs(predicted_N - made.gain_N).max() < 0.05
    assert predicted_N.min() >= 0 and predicted_N.max() <= 1


def test_pairs_that_judges_dispute_are_expected_to_be_further_off() -> None:
    random = np.random.default_rng(0)
    made = world(4, n_queries=600)
    sure_N = random.random(len(made.gain_N)) < 0.5
    vote_NJ = np.where(sure_N[:, None], made.gain_N[:, None], random.random(made.vote_NJ.shape) < 0.5)
    pairs = replace(made, vote_NJ=vote_NJ.astype(np.float64)).labelled(0.5, 1)
    error_N = squared_errors(pairs, predicted_gains(pairs, 0))
    disputed_N = vote_NJ.std(axis=1) > 0
    assert error_N[disputed_N].mean() > 1.5 * error_N[~disputed_N].mean()
    assert error_N.min() > 0


def test_labels_of_one_fold_alone_cannot_be_learned_from() -> None:
    made = world(5)
    chance_N = np.where(folds_of(made.query_N, made.n_queries, 0) == 2, 0.5, 1e-12)
    pairs = made.labelled(chance_N, 0)
    pairs.check_labels()
    with pytest.raises(TooFewLabels, match="of more queries"):
        predicted_gains(pairs, 0)
