"""What a query always is is encoded once a query, its history once an example."""

import numpy as np
import pytest

from bundle.errors import ConfigError
from bundle.features import CategoryFeature, Feature, SequenceFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from tests.training.small_data import small_dataset
from training.example_records import encode_examples
from training.ragged import Ragged
from training.records import encode_queries

DATASET = small_dataset([(0, 0), (0, 1), (1, 2), (0, 2)], query_columns={"land": ["fr", "de"]})
FEATURES: list[Feature] = [
    CategoryFeature(name="land"),
    SequenceFeature(name="history", max_length=2),
    CategoryFeature(name="query_id"),
]
VOCABULARIES = {
    "land": Vocabulary(["fr", "de"]),
    "item_id": Vocabulary(DATASET.items.item_ids),
    "query_id": Vocabulary(DATASET.query_ids),
}
FEATURIZER = Featurizer(FEATURES, VOCABULARIES, {})
QUERIES = np.array([0, 0, 1, 0], dtype=np.int64)
HISTORIES = Ragged.from_rows([[], [0], [], [0, 1]])


def test_the_arrays_are_those_of_whole_records_in_feature_order() -> None:
    split = encode_examples(DATASET, QUERIES, FEATURIZER, "history", HISTORIES)
    whole = encode_queries(DATASET, QUERIES, FEATURIZER, "history", HISTORIES)
    assert len(split) == 4
    assert len(split.queries) == 2
    for rows in (None, np.array([3, 0]), np.array([2])):
        expected, found = whole.batch(rows), split.batch(rows)
        assert list(found) == list(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)


def test_without_a_history_there_is_nothing_for_each_example() -> None:
    featurizer = FEATURIZER.only(["land", "query_id"])
    records = encode_examples(DATASET, QUERIES, featurizer, None, None)
    assert records.histories is None
    assert (
        records.batch()["query_id"].tolist()
        == featurizer.encode([{"query_id": DATASET.query_ids[row]} for row in QUERIES]).batch()["query_id"].tolist()
    )


def test_a_required_history_that_is_empty_is_told() -> None:
    required = Featurizer([SequenceFeature(name="history", required=True)], VOCABULARIES, {})
    with pytest.raises(ConfigError, match="min_history"):
        encode_examples(DATASET, QUERIES, required, "history", HISTORIES)
