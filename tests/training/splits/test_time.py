import tomllib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bundle.config import validate_config
from bundle.errors import ConfigError
from tests.training.small_data import small_dataset
from training.errors import BadSplit
from training.splits import TimeSplit


@given(st.lists(st.integers(0, 8), min_size=4, max_size=40), st.floats(0.05, 0.6), st.floats(0.65, 0.95))
def test_time_decides_and_one_timestamp_stands_in_one_part(seconds: list[int], first: float, second: float) -> None:
    dataset = small_dataset([(0, 0)] * len(seconds), seconds=seconds)
    try:
        split = TimeSplit(validation_from=first, test_from=second).split(dataset)
    except BadSplit:
        assume(False)
    time_N = np.array(seconds)
    assert time_N[split.train_N].max() < time_N[split.validation_N].min()
    assert time_N[split.validation_N].max() < time_N[split.test_N].min()
    assert sorted([*split.train_N, *split.validation_N, *split.test_N]) == list(range(len(seconds)))
    assert len(split.test_N) >= (1 - second) * len(seconds) - 1e-9


def test_a_fraction_cuts_before_the_timestamp_at_its_position() -> None:
    dataset = small_dataset([(0, 0)] * 10, seconds=[1, 2, 3, 4, 5, 6, 7, 7, 7, 8])
    split = TimeSplit(validation_from=0.5, test_from=0.8).split(dataset)  # position 8 holds 7: all three 7s are test
    assert split.train_N.tolist() == [0, 1, 2, 3, 4]
    assert split.validation_N.tolist() == [5]
    assert split.test_N.tolist() == [6, 7, 8, 9]


def test_iso_boundaries_are_utc_unless_they_say_otherwise() -> None:
    dataset = small_dataset([(0, 0)] * 3, seconds=[3599, 3600, 7200])
    split = TimeSplit(validation_from=None, test_from="1970-01-01T01:00:00").split(dataset)
    assert split.train_N.tolist() == [0]
    assert len(split.validation_N) == 0
    assert split.test_N.tolist() == [1, 2]
    native = validate_config(TimeSplit, tomllib.loads("validation_from = 1970-01-01\ntest_from = 1970-01-02"), "x")
    assert (native.validation_from, native.test_from) == ("1970-01-01", "1970-01-02")
    moved = TimeSplit(validation_from=None, test_from="1970-01-01T03:00:00+01:00").split(dataset)
    assert moved.test_N.tolist() == [2]


def test_refuses_empty_parts_and_missing_times() -> None:
    dataset = small_dataset([(0, 0)] * 3, seconds=[5, 5, 5])
    with pytest.raises(BadSplit, match="leaves train empty"):
        TimeSplit(validation_from=None, test_from=0.5).split(dataset)
    with pytest.raises(BadSplit, match="leaves test empty"):
        TimeSplit(validation_from=None, test_from="2020-01-01").split(dataset)
    with pytest.raises(BadSplit, match="leaves validation empty"):
        TimeSplit(validation_from="1970-01-02", test_from="1970-01-03").split(dataset)
    with pytest.raises(BadSplit, match="column 'timestamp'"):
        TimeSplit().split(small_dataset([(0, 0), (0, 1)]))


@pytest.mark.parametrize(
    "data",
    [
        {"test_from": "yesterday"},
        {"test_from": 1.5},
        {"validation_from": 0.9, "test_from": 0.8},
        {"validation_from": "2011-11-21", "test_from": "2011-10-31"},
    ],
)
def test_settings_are_checked(data: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        validate_config(TimeSplit, data, "train.toml")
