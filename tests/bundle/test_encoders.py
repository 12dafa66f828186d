import math

import numpy as np
import pytest

from bundle.encoders import BadValue, NumberStatistics, build_encoder, transform_number
from bundle.features import CategoryFeature, NumberFeature
from bundle.vocabulary import Vocabulary


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0.0), (math.e - 1, 1.0), (1 - math.e, -1.0)])
def test_the_log_transform_keeps_sign_and_zero(value: float, expected: float) -> None:
    assert transform_number(value, NumberFeature(name="x", transform="log")) == pytest.approx(expected)
    assert transform_number(value, NumberFeature(name="x")) == value


def test_numbers_are_standardised_and_missing_is_flagged() -> None:
    encode = build_encoder(NumberFeature(name="x"), {}, {"x": NumberStatistics(mean=10, std=4)})
    np.testing.assert_allclose(encode([12, None, 2.0]).batch(None), np.array([[0.5, 0], [0, 1], [-2, 0]]))


def test_whole_numbers_are_categories_like_their_texts() -> None:
    encode = build_encoder(CategoryFeature(name="year"), {"year": Vocabulary(["1994", "True"])}, {})
    assert encode(["1994", 1994, True, "", None]).batch(None).tolist() == [2, 2, 3, 0, 0]


def test_the_place_of_a_bad_value_is_known() -> None:
    encode = build_encoder(CategoryFeature(name="year"), {"year": Vocabulary([])}, {})
    with pytest.raises(BadValue, match="but is float") as caught:
        encode(["a", "b", 1.5])
    assert caught.value.position == 2


@pytest.mark.parametrize("value", [1e300, -1e300, 10**400, float("inf")])
def test_a_number_that_would_overflow_is_refused(value: float) -> None:
    encode = build_encoder(NumberFeature(name="x"), {}, {"x": NumberStatistics(mean=0, std=1)})
    with pytest.raises(BadValue, match="is (-?1e\\+300, far outside|inf; give a finite)"):
        encode([value])
