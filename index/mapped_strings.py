"""Unique strings by row and rows by string, straight from mapped columns.

Opening builds no dictionary and no object for any string. A string is found by its 32-bit CRC: a binary search in the
sorted checksums, for all strings of a call at once, then a comparison with the string's own bytes. (A binary search
over the strings themselves costs twenty times as much, because each step makes a Python object.)
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def string_table(strings: pa.ChunkedArray, name: str) -> pa.Table:
    """The columns that `MappedStrings` reads, for unique strings in row order; `name` is that of their column."""
    checksums_N = np.array([_checksum(_bytes(text)) for text in strings.to_pylist()], dtype=np.uint32)
    order_N = np.argsort(checksums_N, kind="stable")
    return pa.table(
        {
            name: strings.cast(pa.large_string()),
            "sorted_checksum": checksums_N[order_N],
            "row_by_checksum": order_N.astype(np.int64),
        }
    )


class MappedStrings:
    """Strings of one index version; all methods may be called from many threads."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        """`batch`: the columns that `string_table` made."""
        _, offsets, data = batch.column(0).buffers()
        self._count = int(batch.num_rows)
        self._offsets = memoryview(offsets).cast("q")
        self._data = memoryview(data).cast("B")
        self._sorted_checksum_N: NDArray[np.uint32] = batch["sorted_checksum"].to_numpy()
        # One element at a time is read from memoryviews: a numpy scalar costs several times a plain int.
        self._sorted_checksums = memoryview(self._sorted_checksum_N)
        self._row_by_checksum = memoryview(batch["row_by_checksum"].to_numpy())

    def __len__(self) -> int:
        return self._count

    def at(self, rows: Iterable[int]) -> list[str]:
        """The string of each row."""
        offsets, data = self._offsets, self._data
        return [str(data[offsets[row] : offsets[row + 1]], "utf-8") for row in rows]

    def find(self, strings: Sequence[str]) -> list[int]:
        """The row of each string, -1 where it is not there."""
        wanted = [_bytes(text) for text in strings]
        checksums = [_checksum(text) for text in wanted]
        places = np.searchsorted(self._sorted_checksum_N, np.array(checksums, dtype=np.uint32)).tolist()
        return [self._match(*one) for one in zip(wanted, checksums, places, strict=True)]

    def _match(self, wanted: bytes, checksum: int, place: int) -> int:
        while place < self._count and self._sorted_checksums[place] == checksum:
            row: int = self._row_by_checksum[place]
            if self._data[self._offsets[row] : self._offsets[row + 1]] == wanted:
                return row
            place += 1
        return -1


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _checksum(text: bytes) -> int:
    return crc32(text)
