"""Encoded features in compact columns, and how a batch of rows becomes padded arrays.

Axes: N encoded records, B rows of a batch, T longest list of the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[Any]  # int64 or float32, as the feature's kind says


class Column(Protocol):
    """One feature of N records."""

    def __len__(self) -> int: ...

    def batch(self, rows: IntArray | None) -> Array:
        """The array of the given rows (all rows when None)."""

    def joined(self, others: Sequence["Column"]) -> "Column":
        """This column followed by `others`, all of the same kind."""


@dataclass(frozen=True)
class DenseColumn:
    """A fixed-width array [N, ...]."""

    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, rows: IntArray | None) -> Array:
        """Rows of the array."""
        return self.values if rows is None else self.values[rows]

    def joined(self, others: Sequence[Column]) -> Column:
        """Stack the arrays."""
        parts = [self.values, *(other.batch(None) for other in others)]
        values: Array = np.concatenate(parts)
        return DenseColumn(values)


@dataclass(frozen=True)
class RaggedColumn:
    """Lists of bucket numbers: `values_T` cut at `offsets_N1`; 0 pads a batch, to `width` or to its longest list."""

    values_T: npt.NDArray[np.int32]
    offsets_N1: IntArray
    width: int | None

    def __len__(self) -> int:
        return len(self.offsets_N1) - 1

    def batch(self, rows: IntArray | None) -> IntArray:
        """Lists padded with 0 at the end: int64 [B, T], T at least 1."""
        starts = self.offsets_N1[:-1] if rows is None else self.offsets_N1[rows]
        ends = self.offsets_N1[1:] if rows is None else self.offsets_N1[rows + 1]
        lengths = ends - starts
        width = self.width or max(1, int(lengths.max(initial=0)))
        padded_BT = np.zeros((len(lengths), width), dtype=np.int64)
        if len(lengths) == 1:  # the single request is the hot path: one slice instead of index arithmetic
            padded_BT[0, : lengths[0]] = self.values_T[starts[0] : ends[0]]
            return padded_BT
        total = int(lengths.sum())
        within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows_of_values = np.repeat(np.arange(len(lengths)), lengths)
        padded_BT[rows_of_values, within] = self.values_T[np.repeat(starts, lengths) + within]
        return padded_BT

    def joined(self, others: Sequence[Column]) -> Column:
        """Append the lists."""
        parts = [self, *(other for other in others if isinstance(other, RaggedColumn))]
        sizes = np.concatenate([np.diff(part.offsets_N1) for part in parts])
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        return RaggedColumn(np.concatenate([part.values_T for part in parts]), offsets, self.width)


def batches_of_like_length(length_N: IntArray, rows: int, values: int) -> list[IntArray]:
    """All rows, shortest first, in batches of at most `rows` rows and, once padded, `values` values; stable.

    A batch has one row at least, however long that is.
    """
    order_N = np.argsort(length_N, kind="stable")
    batches, start = [], 0
    while start < len(order_N):
        stop = min(start + rows, len(order_N))
        padded = length_N[order_N[start:stop]] * np.arange(1, stop - start + 1)
        stop = start + max(1, int(np.searchsorted(padded, values, side="right")))
        batches.append(order_N[start:stop])
        start = stop
    return batches


@dataclass(frozen=True)
class EncodedRecords:
    """N records of one tower, encoded; `batch` gives the arrays of its graph by feature name."""

    columns: dict[str, Column]
    count: int

    def __len__(self) -> int:
        return self.count

    def batch(self, rows: IntArray | None = None) -> dict[str, Array]:
        """Padded arrays of the given rows, in feature order."""
        return {name: column.batch(rows) for name, column in self.columns.items()}

    def lengths(self) -> IntArray:
        """How long each record's texts are together, int64 [N]: 0 where no feature has a free length."""
        total_N = np.zeros(self.count, dtype=np.int64)
        for column in self.columns.values():
            if isinstance(column, RaggedColumn) and column.width is None:
                total_N += np.diff(column.offsets_N1)
        return total_N

    @staticmethod
    def concatenate(parts: Sequence["EncodedRecords"]) -> "EncodedRecords":
        """The records of all parts in order; `parts` must not be empty and share one featurizer."""
        first, rest = parts[0], parts[1:]
        columns = {name: column.joined([p.columns[name] for p in rest]) for name, column in first.columns.items()}
        return EncodedRecords(columns, sum(part.count for part in parts))
