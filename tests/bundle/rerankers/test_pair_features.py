"""Every feature by hand, and what it must not depend on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.encoders import NumberStatistics
from bundle.features import CategoryFeature, NumberFeature
from bundle.featurize import Record
from bundle.rerankers.feature_ranker import FeatureRankerSpec
from bundle.rerankers.item_statistics import DAY, ItemStatistics
from bundle.rerankers.pair_features import AskingQuery, ItemSide, PairFeatures
from bundle.vocabulary import Vocabulary

SPEC = FeatureRankerSpec(
    item=(NumberFeature(name="price"), CategoryFeature(name="brand")),
    history_field="history",
    history_length=2,
    has_times=True,
    levels=2,
    reads_repeats=True,
    depth=10,
    statistics={"price": NumberStatistics(mean=2.0, std=2.0)},
)
VOCABULARIES = {"brand": Vocabulary(["acme", "other"])}
RECORDS: list[Record] = [
    {"price": 4.0, "brand": "acme"},
    {"price": None, "brand": "acme"},
    {"price": 2.0},
    {"price": 0, "brand": "x"},
]
VECTORS_ND = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], dtype=np.float32)
CODES_NL = np.array([[1, 1], [1, 2], [2, 1], [1, 1]])
STATISTICS = ItemStatistics.of(np.array([0, 0, 1]), np.array([0, 3, 1]) * DAY, 4, recent_days=1)


def side(features: PairFeatures) -> ItemSide:
    encoded = features.item_featurizer(RECORDS)
    return ItemSide(VECTORS_ND, *features.item_arrays(STATISTICS, encoded), CODES_NL)


def asking(*history: int) -> AskingQuery:
    return AskingQuery(np.array([0.8, 0.6], dtype=np.float32), np.array([1, 2]), np.array(history, dtype=np.int64))


def by_name(query: AskingQuery, rows: list[int], spec: FeatureRankerSpec = SPEC) -> dict[str, list[float]]:
    features = spec.features(VOCABULARIES)
    found = features.pairs(query, side(features), np.array(rows, dtype=np.int64)).feature_MF
    assert found.shape == (len(rows), len(spec.names))
    return dict(zip(spec.names, found.T.tolist(), strict=True))


def near(values: list[float]) -> object:
    return pytest.approx(values, abs=1e-6, nan_ok=True)


def test_every_feature_by_hand() -> None:
    found = by_name(asking(2, 3, 1), [0, 1, 2, 3])
    log, nan = np.log1p, np.nan
    assert found["score"] == near([0.8, 0.6, 0.96, 0.8])
    assert found["score_below_best"] == near([-0.16, -0.36, 0, -0.16])
    assert found["log_rank"] == near([log(1), log(3), 0, log(1)])  # equal scores share a rank
    assert found["log_count"] == near([log(2), log(1), 0, 0])
    assert found["log_recent_count"] == near([log(1), 0, 0, 0])
    assert found["log_days_since_last"] == near([0, log(2), nan, nan])
    assert found["price"] == near([1, nan, 0, -1])
    assert found["levels_of_query"] == near([1, 2, 0, 1])
    # Of the history only its last two are read: items 3 and 1.
    assert found["similarity_max"] == near([1, 1, 0.8, 1])
    assert found["similarity_mean"] == near([0.5, 0.5, 0.7, 0.5])
    assert found["levels_max"] == near([2, 2, 0, 2])
    assert found["levels_mean"] == near([1.5, 1.5, 0, 1.5])
    assert found["share_of_same_brand"] == near([0.5, 0.5, 0, 0.5])  # a missing brand is like no other
    assert found["times_had"] == near([0, 1, 0, 1])
    assert found["log_history"] == near([log(2)] * 4)
    assert len(found) == 15


def test_without_a_history_what_it_would_say_is_unknown() -> None:
    found = by_name(asking(), [0, 1])
    unknown = [name for name, values in found.items() if np.isnan(values).all()]
    assert unknown == [
        "similarity_max",
        "similarity_mean",
        "levels_max",
        "levels_mean",
        "share_of_same_brand",
        "times_had",
    ]
    assert found["log_history"] == [0, 0]


def test_a_spec_without_times_history_and_semantic_ids_has_fewer_features() -> None:
    bare = FeatureRankerSpec(depth=5)
    assert bare.names == ["score", "score_below_best", "log_rank", "log_count"]
    features = PairFeatures(bare, bare.features({}).item_featurizer)
    numbers_NS, categories_NC = features.item_arrays(STATISTICS, {})
    items = ItemSide(VECTORS_ND, numbers_NS, categories_NC, np.empty((4, 0), dtype=np.int64))
    query = AskingQuery(np.ones(2, dtype=np.float32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    arrays = features.pairs(query, items, np.array([3, 0]))
    assert arrays.feature_MF.shape == (2, 4)
    assert arrays.category_MC.shape == (2, 0)


@given(order=st.permutations(range(4)))
def test_the_order_of_the_candidates_changes_no_feature(order: list[int]) -> None:
    features = SPEC.features(VOCABULARIES)
    plain = features.pairs(asking(0, 2), side(features), np.arange(4))
    turned = features.pairs(asking(0, 2), side(features), np.array(order))
    np.testing.assert_allclose(turned.feature_MF, plain.feature_MF[order], atol=1e-6)
    np.testing.assert_array_equal(turned.category_MC, plain.category_MC[order])
