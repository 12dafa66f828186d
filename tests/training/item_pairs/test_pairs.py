"""Counted pairs: what is put together, and what subsampling leaves."""

import numpy as np

from tests.training.small_data import ints
from training.item_pairs.pairs import ItemPairs, subsampled


def test_counts_of_equal_pairs_add_up_and_a_pair_turned_around_is_another() -> None:
    first = ItemPairs(ints(2, 0), ints(1, 2), ints(3, 1))
    together = ItemPairs.together([first, ItemPairs(ints(2, 1), ints(1, 2), ints(4, 5))], 3)
    assert together.item_P.tolist() == [0, 1, 2]
    assert together.other_P.tolist() == [2, 2, 1]
    assert together.count_P.tolist() == [1, 5, 7]


def test_of_no_pairs_none_are_made() -> None:
    assert len(ItemPairs.together([], 3)) == 0


def test_subsampling_weighs_a_frequent_item_less_and_a_rare_one_in_full() -> None:
    pairs = ItemPairs(ints(0, 1), ints(1, 2), ints(10, 10))
    # Shares .9, .09, .01 with threshold .09: kept with chance sqrt(.1), 1 and 1.
    left_P = subsampled(pairs, ints(90, 9, 1), 0.09)
    np.testing.assert_allclose(left_P, [10 * 0.1**0.5, 10], rtol=1e-6)
