from pathlib import Path

import numpy as np
import pyarrow as pa

from training.interactions import join_interactions
from training.rows import IdRows

QUERIES, ITEMS = IdRows.of(["q0", "q1"], "queries.csv"), IdRows.of(["i0", "i1"], "items.csv")


def test_rows_keep_their_order_and_losses_are_counted_once() -> None:
    table = pa.table(
        {
            "query_id": ["q1", "nobody", "q0", "q0", "q1", "nobody"],
            "item_id": ["i0", "i0", "gone", "i1", "i1", "gone"],
            "grade": [1.0, 1.0, 1.0, 0.0, 2.0, 0.0],
            "note": ["a", "b", "c", "d", "e", "f"],
        }
    )
    joined = join_interactions([(Path("t"), table)], QUERIES, ITEMS, drop_unknown=True, positive_above=0.0)
    kept = joined.interactions
    assert (kept.query_N.tolist(), kept.item_N.tolist()) == ([1, 1], [0, 1])
    assert kept.table["note"].to_pylist() == ["a", "e"]
    assert kept.grade_N is not None
    assert kept.grade_N.tolist() == [1.0, 2.0]
    assert (joined.unknown_query, joined.unknown_item, joined.not_positive) == (2, 1, 1)
    assert table.num_rows == len(kept) + 2 + 1 + 1


def test_several_tables_follow_each_other_and_absent_columns_are_none() -> None:
    first = pa.table({"query_id": ["q0"], "item_id": ["i1"]})
    second = pa.table({"query_id": ["q1"], "item_id": ["i0"]})
    joined = join_interactions(
        [(Path("a"), first), (Path("b"), second)], QUERIES, ITEMS, drop_unknown=False, positive_above=0.0
    )
    assert joined.interactions.query_N.tolist() == [0, 1]
    assert joined.interactions.timestamp_N is None
    assert joined.interactions.split_N is None


def test_timestamps_are_microseconds() -> None:
    times = pa.array(np.array(["1970-01-01T00:00:02"], dtype="datetime64[us]"))
    table = pa.table({"query_id": ["q0"], "item_id": ["i1"], "timestamp": times})
    joined = join_interactions([(Path("t"), table)], QUERIES, ITEMS, drop_unknown=False, positive_above=0.0)
    assert joined.interactions.timestamp_N is not None
    assert joined.interactions.timestamp_N.tolist() == [2_000_000]
