import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.columns import EncodedRecords
from bundle.encoders import NumberStatistics
from bundle.errors import InvalidRecord
from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    NumberFeature,
    SequenceFeature,
    TextFeature,
    VectorFeature,
)
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary

FEATURES: list[Feature] = [
    TextFeature(name="title", required=False),
    CategoryFeature(name="brand"),
    CategoriesFeature(name="tags", max_length=3),
    NumberFeature(name="price", transform="log"),
    VectorFeature(name="image", dimension=2, required=False),
    SequenceFeature(name="history", vocabulary="item_id", max_length=3),
]
FEATURIZER = Featurizer(
    FEATURES,
    {
        "brand": Vocabulary(["acme", "bolt"]),
        "tags": Vocabulary(["red", "new"]),
        "item_id": Vocabulary(["i1", "i2", "i3", "i4"]),
    },
    {"price": NumberStatistics(mean=1.0, std=2.0)},
)


def test_every_kind_by_hand() -> None:
    arrays = FEATURIZER(
        [
            {
                "brand": "bolt",
                "tags": ["new", "unseen"],
                "price": np.e - 1,
                "image": [0.5, -1],
                "history": ["i1", "i2", "i3", "i4"],
            }
        ]
    )
    assert list(arrays) == [feature.name for feature in FEATURES]
    assert arrays["title"].tolist() == [[0]]
    assert arrays["brand"].tolist() == [3]
    assert arrays["tags"].tolist() == [[3, 1, 0]]
    np.testing.assert_allclose(arrays["price"], [[0.0, 0.0]], atol=1e-7)  # (log(1 + e - 1) - 1) / 2
    assert arrays["image"].tolist() == [[0.5, -1.0]]
    assert arrays["history"].tolist() == [[5, 4, 3]]  # the last three, most recent first
    assert [a.dtype.name for a in arrays.values()] == ["int64", "int64", "int64", "float32", "float32", "int64"]


def test_absent_fields_are_missing_values() -> None:
    arrays = FEATURIZER([{}])
    assert arrays["brand"].tolist() == [0]
    assert arrays["price"].tolist() == [[0.0, 1.0]]
    assert arrays["history"].tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"title": 3}, "feature 'title': must be text, but is int"),
        ({"brand": 1.5}, "feature 'brand': must be text or a whole number"),
        ({"brand": ["a"]}, "feature 'brand'"),
        ({"tags": "red"}, "feature 'tags': must be a list, but is str"),
        ({"tags": ["red", None]}, "feature 'tags': holds an empty value"),
        ({"price": "1"}, "feature 'price': must be a number"),
        ({"price": True}, "feature 'price': must be a number, but is bool"),
        ({"price": float("nan")}, "feature 'price': is nan"),
        ({"image": [1.0]}, "feature 'image': must have 2 numbers"),
        ({"image": [1.0, float("inf")]}, "feature 'image': holds NaN or infinity"),
        ({"image": ["a", "b"]}, "feature 'image': must be a list of numbers"),
        ({"history": {"i1": 1}}, "feature 'history': must be a list"),
    ],
)
def test_a_wrong_value_is_named_by_record_and_feature(record: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRecord, match=f"record 1, {says}"):
        FEATURIZER.encode([{}, record])


def test_required_features_refuse_what_is_missing() -> None:
    strict: list[Feature] = [
        TextFeature(name="title"),
        CategoryFeature(name="brand", required=True),
        NumberFeature(name="price", required=True),
        SequenceFeature(name="history", required=True),
        VectorFeature(name="image", dimension=2),
    ]
    full = {"title": "mug", "brand": "acme", "price": 1, "history": ["i1"], "image": [1, 2]}
    featurizer = Featurizer(
        strict,
        {"brand": Vocabulary(["acme"]), "item_id": Vocabulary(["i1"])},
        {"price": NumberStatistics(mean=0, std=1)},
    )
    featurizer.encode([full])
    for name in full:
        with pytest.raises(InvalidRecord, match=f"feature '{name}'"):
            featurizer.encode([full | {name: "" if name in ("title", "brand") else None}])
    with pytest.raises(InvalidRecord, match="feature 'title': is empty or has no word"):
        featurizer.encode([full | {"title": "!?"}])


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"titel": "mug"}, "unknown fields 'titel'; this tower reads: title, brand"),
        ({}, "record 1 is empty"),
        ({"title": "", "history": []}, "record 1 is empty"),
    ],
)
def test_requests_are_strict(record: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRecord, match=says):
        FEATURIZER.check_request([{"price": 0.0}, record])


RECORD = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(max_size=30),
        "brand": st.sampled_from(["acme", "bolt", "other", ""]),
        "tags": st.lists(st.sampled_from(["red", "new", "odd"]), max_size=5),
        "price": st.floats(-1e6, 1e6),
        "image": st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)),
        "history": st.lists(st.sampled_from(["i1", "i2", "i3", "i4", "i5"]), max_size=6),
    },
)


@given(st.lists(RECORD, min_size=1, max_size=8), st.data())
def test_a_record_gives_the_same_bytes_alone_in_a_batch_and_in_parts(
    records: list[dict[str, object]], data: st.DataObject
) -> None:
    whole = FEATURIZER.encode(records)
    cut = data.draw(st.integers(0, len(records)))
    parts = [FEATURIZER.encode(part) for part in (records[:cut], records[cut:])]
    joined = EncodedRecords.concatenate(parts)
    order = np.array(data.draw(st.permutations(range(len(records)))), dtype=np.int64)
    for name, array in whole.batch(order).items():
        np.testing.assert_array_equal(joined.batch(order)[name], array)
        for place, row in enumerate(order):
            alone = FEATURIZER([records[row]])[name][0]
            padded = array[place]
            if padded.shape != alone.shape:  # texts pad to the longest of the batch
                assert not padded[len(alone) :].any()
                padded = padded[: len(alone)]
            assert padded.tobytes() == alone.tobytes()
