"""Rows of different lengths in two flat arrays (compressed sparse row layout).

Letters: R rows, V values of all rows together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Ragged:
    """Row `r` holds `values_V[offsets[r]:offsets[r + 1]]`; `offsets` has R + 1 entries and starts with 0."""

    offsets: IntArray
    values_V: IntArray

    @classmethod
    def from_rows(cls, rows: Sequence[ArrayLike]) -> "Ragged":
        """Put the given rows, in order, behind each other."""
        parts = [np.asarray(row, dtype=np.int64).reshape(-1) for row in rows]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        values = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        return cls(offsets_from_lengths(lengths), values)

    @classmethod
    def group(cls, row_P: IntArray, value_P: IntArray, n_rows: int) -> "Ragged":
        """Row `r` gets the values of the pairs whose row is `r`, in the order of the pairs."""
        order = np.argsort(row_P, kind="stable")
        lengths = np.bincount(row_P, minlength=n_rows).astype(np.int64)
        return cls(offsets_from_lengths(lengths), value_P[order])

    @classmethod
    def group_unique(cls, row_P: IntArray, value_P: IntArray, n_rows: int) -> "Ragged":
        """As `group`, with each row's values sorted and without repeats."""
        order = np.lexsort((value_P, row_P))
        row_P, value_P = row_P[order], value_P[order]
        first_P = np.ones(len(row_P), dtype=np.bool_)
        first_P[1:] = (row_P[1:] != row_P[:-1]) | (value_P[1:] != value_P[:-1])
        return cls.group(row_P[first_P], value_P[first_P], n_rows)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> IntArray:
        """Number of values in each row, int64 [R]."""
        return np.diff(self.offsets)

    @property
    def row_index_V(self) -> IntArray:
        """The row each value belongs to, int64 [V]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def row(self, index: int) -> IntArray:
        """The values of one row (a view)."""
        return self.values_V[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: IntArray) -> "Ragged":
        """The given rows, in the given order; a row may be taken more than once."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        return Ragged(offsets_from_lengths(lengths), self.values_V[self.places(rows)])

    def places(self, rows: IntArray) -> IntArray:
        """Where the values of the given rows stand in `values_V`, row after row; costs what these rows hold."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        place_V: IntArray = np.arange(lengths.sum(), dtype=np.int64)
        place_V += np.repeat(self.offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
        return place_V

    def select(self, keep_V: BoolArray) -> "Ragged":
        """Only the values marked True, in the rows where they were."""
        kept_R = np.bincount(self.row_index_V[keep_V], minlength=len(self)).astype(np.int64)
        return Ragged(offsets_from_lengths(kept_R), self.values_V[keep_V])


def offsets_from_lengths(lengths: IntArray) -> IntArray:
    """Offsets [R + 1] of rows with the given lengths [R]."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
