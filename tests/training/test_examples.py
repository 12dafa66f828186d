from dataclasses import replace

import numpy as np
import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.features import CategoryFeature, SequenceFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from tests.training.small_data import ints, small_dataset
from training.errors import BadData
from training.examples import ExampleConfig, build_examples

ITEMS = Vocabulary([f"i{row}" for row in range(4)])  # item row r is vocabulary row r + 2
HISTORY = Featurizer((SequenceFeature(name="history", max_length=3),), {"item_id": ITEMS}, {})
IDENTITY = Featurizer((CategoryFeature(name="query_id"),), {"query_id": Vocabulary(["q0", "q1"])}, {})
# Query 0 buys item 0, then 1 and 2 in one basket, then 0 again; query 1 buys item 3.
PAIRS = [(0, 0), (0, 1), (1, 3), (0, 2), (0, 0)]
DATASET = small_dataset(PAIRS, seconds=[1, 2, 2, 2, 3], weights=[1, 2, 3, 4, 6])
ALL = ints(0, 1, 2, 3, 4)


def histories(config: ExampleConfig, rows: object = ALL) -> list[list[int]]:
    batch = build_examples(DATASET, np.asarray(rows), config, HISTORY).encoded.batch()["history"]
    return [[int(value) - 2 for value in row[::-1] if value] for row in batch]


def test_each_interaction_sees_only_what_came_before_it() -> None:
    config = ExampleConfig(history_feature="history")
    examples = build_examples(DATASET, ALL, config, HISTORY)
    assert examples.query_rows_N.tolist() == [0, 0, 1, 0, 0]
    assert [examples.targets.row(n).tolist() for n in range(5)] == [[0], [1], [3], [2], [0]]
    assert examples.weight_N.tolist() == [1, 2, 3, 4, 6]
    assert histories(config) == [[], [0], [], [0, 1], [0, 1, 2]]


def test_items_of_the_same_moment_can_be_kept_out() -> None:
    config = ExampleConfig(history_feature="history", history_ties="exclude")
    assert histories(config) == [[], [0], [], [0], [0, 1, 2]]


def test_histories_hold_only_the_given_rows() -> None:
    assert histories(ExampleConfig(history_feature="history"), [0, 3, 4]) == [[], [0], [0, 2]]


def test_repeats_and_short_histories_are_left_out_and_counted() -> None:
    dropped = build_examples(DATASET, ALL, ExampleConfig(history_feature="history", repeats="drop"), HISTORY)
    assert dropped.targets.values_V.tolist() == [0, 1, 3, 2]
    assert dropped.left_out == 1
    long = build_examples(DATASET, ALL, ExampleConfig(history_feature="history", min_history=2), HISTORY)
    assert long.targets.values_V.tolist() == [2, 0]
    assert (len(long), long.left_out) == (2, 3)
    with pytest.raises(BadData, match="none of 5 interactions"):
        build_examples(DATASET, ALL, ExampleConfig(min_history=9), IDENTITY)


def test_one_example_a_query_takes_all_its_items() -> None:
    examples = build_examples(DATASET, ALL, ExampleConfig(kind="query"), IDENTITY)
    assert examples.query_rows_N.tolist() == [0, 1]
    assert [examples.targets.row(n).tolist() for n in range(2)] == [[0, 1, 2], [3]]
    assert examples.weight_N.tolist() == [pytest.approx(13 / 4), 3]
    assert examples.encoded.batch()["query_id"].tolist() == [2, 3]


@pytest.mark.parametrize("extra", [{"history_feature": "history"}, {"min_history": 1}, {"repeats": "drop"}])
def test_one_example_a_query_has_no_history(extra: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="none is left for a history"):
        validate_config(ExampleConfig, {"kind": "query", **extra}, "train.toml")


def test_weights_are_one_where_none_are_given() -> None:
    examples = build_examples(small_dataset(PAIRS), ALL, ExampleConfig(), IDENTITY)
    assert examples.weight_N.tolist() == [1.0] * 5
    assert examples.weight_N.dtype == np.float32


def test_targets_are_not_drawn_by_negative_grades() -> None:
    grade_N = np.array([1, -2, 3, 0, -1], dtype=np.float32)
    graded = replace(DATASET, interactions=replace(DATASET.interactions, grade_N=grade_N))
    with pytest.raises(BadData, match=r"examples\.positives.* 2 of 5 grades are negative"):
        build_examples(graded, ALL, ExampleConfig(kind="query", positives=2), IDENTITY)
    assert len(build_examples(graded, ints(0, 2, 3), ExampleConfig(kind="query", positives=2), IDENTITY)) == 2
    assert len(build_examples(graded, ALL, ExampleConfig(kind="query"), IDENTITY)) == 2
