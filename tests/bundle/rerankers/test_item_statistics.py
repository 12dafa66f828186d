"""Counts, recent counts and ages by hand; what is written is read back, by item id."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import BundleCorrupt
from bundle.rerankers.item_statistics import DAY, ItemStatistics, KnownItems

ITEM_P = np.array([0, 0, 2, 0, 1])
TIME_P = np.array([0, 5, 8, 10, 9]) * DAY


def test_counts_ages_and_what_is_recent() -> None:
    known = ItemStatistics.of(ITEM_P, TIME_P, 4, recent_days=2)
    assert known.as_of == 10 * DAY
    assert known.count_I.tolist() == [3, 1, 1, 0]
    assert known.recent_I.tolist() == [1, 1, 0, 0]  # the eighth day is no longer among the last two
    np.testing.assert_array_equal(known.days_since_last(), [0, 1, 2, np.nan])


def test_without_times_nothing_has_an_age() -> None:
    known = ItemStatistics.of(ITEM_P, None, 4, recent_days=2)
    assert known.as_of is None
    assert known.recent_I.tolist() == known.count_I.tolist() == [3, 1, 1, 0]
    assert np.isnan(known.days_since_last()).all()


def test_they_are_found_by_id_and_an_unknown_item_was_never_taken(tmp_path: Path) -> None:
    statistics = ItemStatistics.of(ITEM_P, TIME_P, 4, recent_days=2)
    KnownItems(["a", "b", "c", "d"], statistics).write(tmp_path / "items.arrow")
    known = KnownItems.open(tmp_path / "items.arrow", statistics.as_of)
    found = known.of(pa.chunked_array([["c", "new"], ["a"]]))
    assert (found.count_I.tolist(), found.recent_I.tolist()) == ([1, 0, 3], [0, 0, 1])
    np.testing.assert_array_equal(found.days_since_last(), [2, np.nan, 0])
    (tmp_path / "items.arrow").write_bytes(b"torn")
    with pytest.raises(BundleCorrupt, match=r"cannot read .*items\.arrow"):
        KnownItems.open(tmp_path / "items.arrow", None)
