"""Synthetic pairs: counts by hand."""

import numpy as np

from tests.training.item_pairs.shop import counts_of
from tests.training.small_data import ints
from training.item_pairs.pairs import ItemPairs
from training.item_pairs.synthetic import Neighbours, synthetic_pairs


def neighbours(**similar: tuple[int, float]) -> Neighbours:
    """One neighbour each, by "i0=(row, similarity)"; of the others none."""
    item_NK, similarity_NK = np.zeros((4, 1), dtype=np.int64), np.zeros((4, 1), dtype=np.float32)
    for name, (other, similarity) in similar.items():
        item_NK[int(name[1:])], similarity_NK[int(name[1:])] = other, similarity
    return Neighbours(item_NK, similarity_NK)


def test_counts_by_hand() -> None:
    pair = ItemPairs(ints(0), ints(1), ints(10))
    found = synthetic_pairs(pair, neighbours(i0=(2, 0.8), i1=(3, 0.6)), 0.5)
    assert counts_of(found) == {(2, 1): 4, (0, 3): 3, (2, 3): 3}


def test_an_item_is_not_paired_with_itself_and_a_count_below_one_is_none() -> None:
    pairs = ItemPairs(ints(0, 1), ints(1, 0), ints(10, 1))
    assert counts_of(synthetic_pairs(pairs, neighbours(i0=(1, 0.9)), 0.5)) == {}


def test_counts_from_several_pairs_add_up() -> None:
    pairs = ItemPairs(ints(0, 1), ints(3, 3), ints(4, 4))
    assert counts_of(synthetic_pairs(pairs, neighbours(i0=(2, 1.0), i1=(2, 0.5)), 0.5)) == {(2, 3): 2 + 1}
