from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import NotDrawnFromHere, TooFewLabels
from evaluation.judged.measure import rank_weights
from evaluation.judged.pairs import JudgedPairs
from evaluation.judged.plan import label_chances
from tests.evaluation.judged.worlds import world


def test_arrays_of_other_lengths_and_impossible_chances_are_refused() -> None:
    good = world(0, n_queries=3).labelled(0.5, 0)
    with pytest.raises(ValueError, match="different lengths"):
        JudgedPairs(3, good.query_N[:-1], good.vote_NJ, good.covariate_NC, good.gold_N, good.probability_N)
    with pytest.raises(ValueError, match="above 0"):
        good.labelled(good.gold_N, good.is_gold_N, np.zeros_like(good.gold_N))


def test_what_gives_no_interval_is_refused_with_what_to_do() -> None:
    with pytest.raises(TooFewLabels, match="1 query gives no interval"):
        world(0, n_queries=1).labelled(1.0, 0).check_labels()
    with pytest.raises(TooFewLabels, match="label at least 20"):
        world(0, n_queries=30).labelled(0.01, 0).check_labels()


def test_labels_of_a_draw_pass_for_what_they_were_drawn_from() -> None:
    made = world(0, n_queries=100)
    weight_N = rank_weights("dcg", 10, made.rank_N)
    chance_N = label_chances(weight_N, np.where(made.gain_N > 0, 1.0, 0.05), 40)
    for seed in range(300):
        made.labelled(chance_N, seed).check_chances(weight_N)
        made.labelled(0.05, seed).check_chances(weight_N)


def test_labels_drawn_from_other_pairs_or_put_together_from_two_draws_are_refused() -> None:
    made = world(0, n_queries=100)
    weight_N = rank_weights("dcg", 10, made.rank_N)
    shallow_N = np.where(made.rank_N <= 5, 0.4, 1e-12)
    with pytest.raises(NotDrawnFromHere, match=r"6\d% of what is measured"):
        made.labelled(shallow_N, 0).check_chances(weight_N)
    one, other = made.labelled(0.2, 0), made.labelled(0.2, 1)
    both = replace(one, gold_N=np.where(one.is_gold_N, one.gold_N, other.gold_N))
    with pytest.raises(NotDrawnFromHere, match="join the tables of two draws"):
        both.check_chances(weight_N)


def test_a_pair_drawn_for_certain_and_left_without_a_label_is_missed() -> None:
    pairs = world(0, n_queries=30).labelled(1.0, 0)
    pairs.check_chances(np.ones(300))
    with pytest.raises(NotDrawnFromHere, match="label every drawn pair"):
        replace(pairs, gold_N=np.where(np.arange(300) == 7, np.nan, pairs.gold_N)).check_chances(np.ones(300))
