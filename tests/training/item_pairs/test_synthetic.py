"""Synthetic pairs: counts by hand, and which items are alike."""

import numpy as np
import pyarrow as pa
import pytest

from bundle.items import Items
from tests.training.item_pairs.shop import counts_of
from tests.training.small_data import ints
from training.errors import BadData
from training.item_pairs.pairs import ItemPairs
from training.item_pairs.synthetic import Neighbours, SyntheticPairsConfig, nearest_items, synthetic_pairs


def items(**columns: object) -> Items:
    return Items(pa.table({"item_id": [f"i{row}" for row in range(4)], **columns}), "items.csv")


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


def test_items_are_alike_by_text() -> None:
    shop = items(title=["red lunch bag", "blue lunch bag", "garden chair", None])
    found = nearest_items(shop, SyntheticPairsConfig(column="title", neighbours=2, min_similarity=0.3))
    assert found.item_NK[0, 0] == 1
    assert found.item_NK[1, 0] == 0
    assert (found.similarity_NK > 0).sum(1).tolist() == [1, 1, 0, 0]


def test_items_are_alike_by_vectors_and_none_is_its_own_neighbour() -> None:
    shop = items(photo=[[1.0, 0.0], [2.0, 0.0], [0.6, 0.8], [0.0, 0.0]])
    found = nearest_items(shop, SyntheticPairsConfig(column="photo", neighbours=3, min_similarity=0.5))
    np.testing.assert_allclose(found.similarity_NK[:3], [[1.0, 0.6, 0.0], [1.0, 0.6, 0.0], [0.6, 0.6, 0.0]], rtol=1e-6)
    assert found.item_NK[:2, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("column", "reason"), [("colour", "has the columns: item_id"), ("price", "by texts or vectors")]
)
def test_the_column_must_say_what_is_alike(column: str, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        nearest_items(items(price=[1.0, 2.0, 3.0, 4.0]), SyntheticPairsConfig(column=column))
