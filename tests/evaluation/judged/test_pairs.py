import numpy as np
import pytest

from evaluation.errors import TooFewLabels
from evaluation.judged.pairs import JudgedPairs
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
