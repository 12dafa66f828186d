"""Which items are alike."""

import numpy as np
import pyarrow as pa
import pytest

from bundle.items import Items
from training.errors import BadData
from training.item_pairs.synthetic import SyntheticPairsConfig
from training.similar_items import nearest_items


def items(**columns: object) -> Items:
    return Items(pa.table({"item_id": [f"i{row}" for row in range(4)], **columns}), "items.csv")


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
