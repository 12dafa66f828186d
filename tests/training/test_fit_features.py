import math

import pytest

from bundle.errors import ConfigError
from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    FeatureSpec,
    NumberFeature,
    SequenceFeature,
    TextFeature,
)
from bundle.vocabulary import Vocabulary
from tests.training.small_data import ints, small_dataset
from training.errors import BadData
from training.fit_features import cold_item_rows, fit_featurizers

DATASET = small_dataset(
    [(0, 0), (0, 1), (1, 1), (2, 2)],
    n_items=4,
    query_columns={"country": ["UK", "FR", "DE"], "tags": [["a", "b"], ["b"], ["z"]], "age": [1.0, 3.0, 100.0]},
    item_columns={
        "colour": ["red", "red", "blue", "green"],
        "price": [1.0, 3.0, 50.0, 60.0],
        "flat": [2.0, 2.0, 7.0, 7.0],
        "void": [None, None, 1.0, 1.0],
        "title": ["x"] * 4,
    },
)
TRAIN = ints(0, 1, 2)  # query 2 and items 2, 3 stand in no training interaction


def spec(*item: Feature, query: tuple[Feature, ...] = (CategoryFeature(name="country"),)) -> FeatureSpec:
    return FeatureSpec(query=query, item=item or (TextFeature(name="title"),))


def test_vocabularies_hold_training_values_only() -> None:
    fitted = fit_featurizers(
        spec(CategoryFeature(name="colour"), query=(CategoryFeature(name="country"), CategoriesFeature(name="tags"))),
        DATASET,
        TRAIN,
    )
    assert fitted.vocabularies["country"].values == ("FR", "UK")
    assert fitted.vocabularies["tags"].values == ("b", "a")  # most frequent first
    assert fitted.vocabularies["colour"].values == ("red",)
    assert fitted.item([{"colour": "red"}, {"colour": "blue"}, {}])["colour"].tolist() == [2, 1, 0]


def test_the_item_vocabulary_holds_the_whole_catalogue_in_row_order() -> None:
    history = SequenceFeature(name="history", oov_buckets=3)
    fitted = fit_featurizers(spec(CategoryFeature(name="item_id", oov_buckets=3), query=(history,)), DATASET, TRAIN)
    assert fitted.vocabularies["item_id"].values == ("i0", "i1", "i2", "i3")
    assert fitted.query([{"history": ["i0", "i3"]}])["history"][0, :3].tolist() == [7, 4, 0]
    assert fitted.item([{"item_id": "i3"}])["item_id"].tolist() == [7]


def test_a_shared_vocabulary_joins_both_sides() -> None:
    fitted = fit_featurizers(
        spec(
            CategoryFeature(name="colour", vocabulary="words", min_count=2),
            query=(CategoryFeature(name="country", vocabulary="words", min_count=1),),
        ),
        DATASET,
        TRAIN,
    )
    assert fitted.vocabularies["words"].values == ("red", "FR", "UK")


def test_number_statistics_come_from_training_rows_after_the_transform() -> None:
    fitted = fit_featurizers(
        spec(NumberFeature(name="price", transform="log"), NumberFeature(name="flat")), DATASET, TRAIN
    )
    low, high = math.log1p(1), math.log1p(3)
    assert fitted.statistics["price"].mean == pytest.approx((low + high) / 2)
    assert fitted.statistics["price"].std == pytest.approx((high - low) / 2)
    assert fitted.statistics["flat"].std == 1.0  # a constant column has no deviation to divide by
    assert fitted.item([{"price": 3.0}])["price"][0].tolist() == [pytest.approx(1.0), 0.0]


def test_a_vocabulary_or_number_without_values_is_refused() -> None:
    with pytest.raises(ConfigError, match="vocabulary 'past' has no value"):
        fit_featurizers(spec(query=(SequenceFeature(name="history", vocabulary="past"),)), DATASET, TRAIN)
    with pytest.raises(BadData, match="'void' has no value"):
        fit_featurizers(spec(NumberFeature(name="void")), DATASET, TRAIN)


def test_numbers_of_one_name_must_agree_on_the_transform() -> None:
    dataset = small_dataset([(0, 0)], query_columns={"price": [1.0]}, item_columns={"price": [3.0]})
    both = spec(NumberFeature(name="price"), query=(NumberFeature(name="price"),))
    assert fit_featurizers(both, dataset, ints(0)).statistics["price"].mean == 2.0
    with pytest.raises(ConfigError, match="same transform"):
        differing = spec(NumberFeature(name="price"), query=(NumberFeature(name="price", transform="log"),))
        fit_featurizers(differing, dataset, ints(0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[1.7e308, 1.7e308], [1.5e308, -1.5e308]])
def test_numbers_too_large_for_statistics_are_refused(values: list[float]) -> None:
    dataset = small_dataset([(0, 0), (0, 1)], item_columns={"price": values})
    with pytest.raises(BadData, match="number feature 'price' are too large"):
        fit_featurizers(
            spec(NumberFeature(name="price"), query=(CategoryFeature(name="query_id"),)), dataset, ints(0, 1)
        )


def test_cold_items_are_those_that_count_zero() -> None:
    vocabularies = {"item_id": Vocabulary(["i0", "i1", "i2"], oov_buckets=3)}
    assert cold_item_rows(vocabularies, ints(0, 2, 0))["item_id"].tolist() == [4, 6]
    assert cold_item_rows({}, ints(0)) == {}
