"""Item ids by row and rows by item id, straight from mapped columns.

Opening builds no dictionary and no object for any item. An id is found by its 32-bit CRC: a binary search in the sorted
checksums, for all ids of a call at once, then a comparison with the id's own bytes. (A binary search over the ids
themselves costs twenty times as much, because each step makes a Python object.)
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import UnknownItem

NAMED_IN_ERROR = 5


def id_table(item_ids: pa.ChunkedArray) -> pa.Table:
    """The columns that `ItemIds` reads, for unique ids in row order."""
    checksums_N = np.array([_checksum(_bytes(item_id)) for item_id in item_ids.to_pylist()], dtype=np.uint32)
    order_N = np.argsort(checksums_N, kind="stable")
    return pa.table(
        {
            "item_id": item_ids.cast(pa.large_string()),
            "sorted_checksum": checksums_N[order_N],
            "row_by_checksum": order_N.astype(np.int64),
        }
    )


class ItemIds:
    """The ids of one index version; all methods may be called from many threads."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        """`batch`: the columns that `id_table` made."""
        _, offsets, data = batch["item_id"].buffers()
        self._count = int(batch.num_rows)
        self._offsets = memoryview(offsets).cast("q")
        self._data = memoryview(data).cast("B")
        self._sorted_checksum_N: NDArray[np.uint32] = batch["sorted_checksum"].to_numpy()
        # One element at a time is read from memoryviews: a numpy scalar costs several times a plain int.
        self._sorted_checksums = memoryview(self._sorted_checksum_N)
        self._row_by_checksum = memoryview(batch["row_by_checksum"].to_numpy())

    def __len__(self) -> int:
        return self._count

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id; raises UnknownItem naming those that the corpus does not hold."""
        rows = self._find(item_ids)
        unknown = [item_id for item_id, row in zip(item_ids, rows, strict=True) if row < 0]
        if unknown:
            more = f" and {len(unknown) - NAMED_IN_ERROR} more" if len(unknown) > NAMED_IN_ERROR else ""
            names = ", ".join(repr(item_id[:80]) for item_id in unknown[:NAMED_IN_ERROR])
            raise UnknownItem(f"the corpus does not hold {names}{more}", item_ids=unknown[:NAMED_IN_ERROR])
        return np.array(rows, dtype=np.int64)

    def rows_of_known(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of those ids that the corpus holds."""
        return np.array([row for row in self._find(item_ids) if row >= 0], dtype=np.int64)

    def contains(self, item_id: str) -> bool:
        """Whether the corpus holds the item."""
        return self._find([item_id])[0] >= 0

    def at(self, rows: Iterable[int]) -> list[str]:
        """The id of each row."""
        offsets, data = self._offsets, self._data
        return [str(data[offsets[row] : offsets[row + 1]], "utf-8") for row in rows]

    def _find(self, item_ids: Sequence[str]) -> list[int]:
        wanted = [_bytes(item_id) for item_id in item_ids]
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


def _bytes(item_id: str) -> bytes:
    return item_id.encode("utf-8", errors="surrogatepass")


def _checksum(item_id: bytes) -> int:
    return crc32(item_id)
