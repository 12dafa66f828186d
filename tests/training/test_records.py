import numpy as np
import pytest

from bundle.errors import ConfigError, InvalidTable
from bundle.features import CategoryFeature, SequenceFeature, TextFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from tests.training.small_data import ints, small_dataset
from training import records
from training.ragged import Ragged
from training.records import encode_items, encode_queries, history_limit

VOCABULARIES = {"item_id": Vocabulary(["i0", "i1", "i2"]), "country": Vocabulary(["FR", "UK"])}
FEATURES = (SequenceFeature(name="history", max_length=2), CategoryFeature(name="country"))
FEATURIZER = Featurizer(FEATURES, VOCABULARIES, {})
DATASET = small_dataset(
    [(0, 0), (1, 1), (2, 2)],
    query_columns={"country": ["UK", "FR", None]},
    item_columns={"title": ["cat", "dog", "x y"]},
)


def test_a_query_record_joins_its_columns_and_its_history() -> None:
    encoded = encode_queries(DATASET, ints(1, 0), FEATURIZER, "history", Ragged.from_rows([[0, 2, 1], []]))
    arrays = encoded.batch()
    assert arrays["history"].tolist() == [[3, 4], [0, 0]]  # rows 2 + position; newest first, the oldest cut off
    assert arrays["country"].tolist() == [2, 3]


def test_chunks_do_not_change_the_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ints(2, 1, 0, 1, 2, 0, 0)
    history = Ragged.from_rows([[0], [], [1, 2], [2], [0, 1, 2], [], [1]])
    whole = encode_queries(DATASET, rows, FEATURIZER, "history", history).batch()
    monkeypatch.setattr(records, "RECORDS_A_CHUNK", 3)
    chunked = encode_queries(DATASET, rows, FEATURIZER, "history", history)
    assert len(chunked) == 7
    for name, array in chunked.batch().items():
        assert array.dtype == whole[name].dtype
        assert np.array_equal(array, whole[name])


def test_a_feature_without_a_source_is_refused() -> None:
    with pytest.raises(ConfigError, match="query feature 'history' has no source"):
        encode_queries(DATASET, ints(0), FEATURIZER, None, None)
    with pytest.raises(ConfigError, match="history_feature 'past' is no feature"):
        encode_queries(DATASET, ints(0), FEATURIZER, "past", None)
    with pytest.raises(ConfigError, match="'country' is no sequence feature"):
        history_limit(FEATURIZER, "country")
    assert history_limit(FEATURIZER, "history") == 2


def test_a_bad_value_is_named_by_file_row_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS_A_CHUNK", 2)
    required = Featurizer((CategoryFeature(name="country", required=True),), VOCABULARIES, {})
    with pytest.raises(InvalidTable, match="queries.csv row 3, column 'country' is missing"):
        encode_queries(DATASET, ints(0, 1, 0, 2), required, None, None)
    empty = small_dataset([(0, 0), (0, 1), (0, 2)], item_columns={"title": ["cat", "dog", " "]})
    with pytest.raises(InvalidTable, match="items.csv row 3, column 'title' is empty"):
        encode_items(empty, Featurizer((TextFeature(name="title"),), {}, {}))


def test_items_are_encoded_by_item_row(monkeypatch: pytest.MonkeyPatch) -> None:
    featurizer = Featurizer((CategoryFeature(name="item_id"),), VOCABULARIES, {})
    monkeypatch.setattr(records, "RECORDS_A_CHUNK", 2)
    assert encode_items(DATASET, featurizer).batch()["item_id"].tolist() == [2, 3, 4]
    with pytest.raises(InvalidTable, match="items.csv has no column 'colour'"):
        encode_items(DATASET, Featurizer((TextFeature(name="colour"),), {}, {}))


def test_an_empty_required_history_names_the_settings_not_a_column() -> None:
    required = Featurizer((SequenceFeature(name="history", required=True),), VOCABULARIES, {})
    with pytest.raises(ConfigError, match="'history' is required.*min_history = 1.*require_history.*required = false"):
        encode_queries(DATASET, ints(0, 1), required, "history", Ragged.from_rows([[0], []]))
