"""Stated relations as pairs."""

import pyarrow as pa
import pytest

from training.errors import BadData
from training.item_pairs.relations import RelationPairsConfig, stated_pairs

TABLE = pa.table(
    {
        "item_id": ["a", "a", "b", "a", "a"],
        "related_id": ["b", "a", "c", "c", "b"],
        "relation": ["recommends", "suggests", "conflicts", "suggests", "suggests"],
        "split": ["train", "train", "train", "test", "test"],
        "note": ["x"] * 5,
    }
)


def test_wanted_relations_one_way_without_self_pairs_and_repeats() -> None:
    stated = stated_pairs(TABLE, RelationPairsConfig(relations=("recommends", "suggests")))
    assert stated.table.to_pydict() == {"query_id": ["a", "a"], "item_id": ["b", "c"], "split": ["train", "test"]}
    assert stated.dropped == {"dropped_other_relations": 1, "dropped_self_pairs": 1, "dropped_repeated_pairs": 1}


def test_all_relations_count_if_none_is_named() -> None:
    assert stated_pairs(TABLE, RelationPairsConfig()).table.num_rows == 3


def test_a_relation_that_is_not_there_is_named() -> None:
    with pytest.raises(BadData, match="it has: conflicts, recommends, suggests"):
        stated_pairs(TABLE, RelationPairsConfig(relations=("enhances",)))
