"""The rows of a corpus that a search may return: one bit a row.

N corpus, M allowed rows.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Listing the rows of a bitmap costs more than scoring a few of them, so short lists are kept.
MOST_KEPT_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class AllowedRows:
    """A set of rows; `bits` holds row r in bit r % 8 of byte r // 8, the order of faiss.IDSelectorBitmap."""

    bits: NDArray[np.uint8]
    count: int

    @classmethod
    def of_mask(cls, mask_N: NDArray[np.bool_]) -> "AllowedRows":
        """The rows where the mask is true."""
        return cls(np.packbits(mask_N, bitorder="little"), int(mask_N.sum()))

    def contains(self, row: int) -> bool:
        """Whether the row is allowed."""
        return bool(self.bits[row >> 3] >> (row & 7) & 1)

    def contains_each(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row is allowed, in the shape of `rows`; -1, which pads, is not."""
        row = np.maximum(rows, 0)
        is_allowed: NDArray[np.bool_] = (self.bits[row >> 3] >> (row & 7) & 1).astype(bool) & (rows >= 0)
        return is_allowed

    def rows(self) -> NDArray[np.int64]:
        """The allowed rows int64 [M], ascending; not to be changed."""
        return self._few_rows if self.count <= MOST_KEPT_ROWS else self._rows()

    @property
    def n_bytes(self) -> int:
        """Memory of the set, with its rows where they are kept."""
        return self.bits.nbytes + (8 * self.count if self.count <= MOST_KEPT_ROWS else 0)

    @cached_property
    def _few_rows(self) -> NDArray[np.int64]:
        return self._rows()

    def _rows(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.unpackbits(self.bits, bitorder="little"))

    def mask(self, n_rows: int) -> NDArray[np.bool_]:
        """Whether each of the corpus's rows is allowed, bool [N]."""
        return np.unpackbits(self.bits, count=n_rows, bitorder="little").astype(bool)
