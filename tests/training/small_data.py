"""A small data set built in memory, for tests that need interactions but no files."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bundle.items import Items
from training.dataset import Dataset, DatasetReport
from training.interactions import Interactions
from training.queries import Queries
from training.ragged import IntArray


def ints(*values: int) -> IntArray:
    """An int64 array."""
    return np.array(values, dtype=np.int64)


def small_dataset(
    pairs: Sequence[tuple[int, int]],
    *,
    seconds: Sequence[int] | None = None,
    splits: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    n_queries: int | None = None,
    n_items: int | None = None,
    query_columns: dict[str, Sequence[object]] | None = None,
    item_columns: dict[str, Sequence[object]] | None = None,
) -> Dataset:
    """Query row and item row of each interaction, with times in seconds; ids are "q0".. and "i0".."""
    query_N, item_N = (ints(*column) for column in zip(*pairs, strict=True))
    query_ids = [f"q{row}" for row in range(n_queries or int(query_N.max()) + 1)]
    item_ids = [f"i{row}" for row in range(n_items or int(item_N.max()) + 1)]
    columns: dict[str, object] = {
        "query_id": pa.array([query_ids[row] for row in query_N]),
        "item_id": pa.array([item_ids[row] for row in item_N]),
    }
    if seconds is not None:
        columns["timestamp"] = pa.array([s * 1_000_000 for s in seconds], pa.timestamp("us"))
    if splits is not None:
        columns["split"] = pa.array(splits)
    if weights is not None:
        columns["weight"] = pa.array(weights, pa.float64())
    items = Items(pa.table({"item_id": item_ids, **(item_columns or {})}), "items.csv")
    query_table = None if query_columns is None else pa.table({"query_id": query_ids, **query_columns})
    return Dataset(
        items,
        Queries(query_ids, query_table, "queries.csv"),
        Interactions.from_table(pa.table(columns), query_N, item_N),
        None,
        None,
        DatasetReport(len(item_ids), len(query_ids), len(pairs), len(pairs), 0, 0, 0),
    )
