"""The rows of a corpus that a search may return: one bit a row.

N corpus, M allowed rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    def rows(self) -> NDArray[np.int64]:
        """The allowed rows int64 [M], ascending."""
        return np.flatnonzero(np.unpackbits(self.bits, bitorder="little"))

    def mask(self, n_rows: int) -> NDArray[np.bool_]:
        """Whether each of the corpus's rows is allowed, bool [N]."""
        return np.unpackbits(self.bits, count=n_rows, bitorder="little").astype(bool)
