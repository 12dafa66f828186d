"""Interactions joined to query and item rows.

Letters: N interactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.ragged import FloatArray, IntArray
from training.rows import UNKNOWN, IdRows
from training.tables import GRADE, ITEM_ID, QUERY_ID, SPLIT, TIMESTAMP, WEIGHT


@dataclass(frozen=True)
class Interactions:
    """Interactions in the row order of their table; query and item are row numbers.

    `timestamp_N` is in microseconds since 1970-01-01 UTC; columns that the table does not have are None. `table` holds
    the same rows with every column as read.
    """

    query_N: IntArray
    item_N: IntArray
    timestamp_N: IntArray | None
    grade_N: FloatArray | None
    weight_N: FloatArray | None
    split_N: NDArray[np.object_] | None
    table: pa.Table

    def __len__(self) -> int:
        return len(self.query_N)

    @classmethod
    def from_table(cls, table: pa.Table, query_N: IntArray, item_N: IntArray) -> "Interactions":
        """Take the typed columns out of a checked table whose ids are joined already."""
        timestamp = _column(table, TIMESTAMP)
        return cls(
            query_N,
            item_N,
            None if timestamp is None else timestamp.cast(pa.int64()).to_numpy(),
            _floats(table, GRADE),
            _floats(table, WEIGHT),
            None if (split := _column(table, SPLIT)) is None else np.array(split.to_pylist(), dtype=object),
            table,
        )


@dataclass(frozen=True)
class Joined:
    """Interactions that are positives of known queries and items, and how many rows were dropped and why."""

    interactions: Interactions
    unknown_query: int
    unknown_item: int
    not_positive: int


def join_interactions(
    sources: Sequence[tuple[Path, pa.Table]],
    queries: IdRows,
    items: IdRows,
    *,
    drop_unknown: bool,
    positive_above: float,
) -> Joined:
    """Join the tables in their order; rows graded `positive_above` or lower are judged no positives and dropped.

    Raises InvalidTable that names an unknown id, unless such rows are to be dropped and counted.
    """
    query_parts = [queries.find(t, QUERY_ID, path, drop_unknown=drop_unknown) for path, t in sources]
    item_parts = [items.find(t, ITEM_ID, path, drop_unknown=drop_unknown) for path, t in sources]
    table = pa.concat_tables([t for _, t in sources], promote_options="default")
    query_N, item_N = np.concatenate(query_parts), np.concatenate(item_parts)
    no_query_N, no_item_N = query_N == UNKNOWN, item_N == UNKNOWN
    grade_N = _floats(table, GRADE)
    against_N = np.zeros(len(query_N), dtype=np.bool_) if grade_N is None else ~(grade_N > positive_above)
    keep_N = ~(no_query_N | no_item_N | against_N)
    if not keep_N.all():
        table, query_N, item_N = table.filter(pa.array(keep_N)), query_N[keep_N], item_N[keep_N]
    return Joined(
        Interactions.from_table(table, query_N, item_N),
        unknown_query=int(no_query_N.sum()),
        unknown_item=int((no_item_N & ~no_query_N).sum()),
        not_positive=int((against_N & ~no_item_N & ~no_query_N).sum()),
    )


def _column(table: pa.Table, name: str) -> pa.ChunkedArray | None:
    return table[name] if name in table.column_names else None


def _floats(table: pa.Table, name: str) -> FloatArray | None:
    column = _column(table, name)
    return None if column is None else column.to_numpy().astype(np.float32)
