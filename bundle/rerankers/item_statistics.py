"""What interactions say of every item at one moment: how often it was taken, how often of late, and when last.

I items, P interactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bundle.errors import BundleCorrupt

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
DAY = 86_400_000_000  # microseconds
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class ItemStatistics:
    """Counts of I items, and the last time of each in microseconds since 1970, where there are times.

    `as_of`: the moment that ages count to, the time of the newest interaction; None where interactions have no time.
    """

    count_I: IntArray
    recent_I: IntArray
    last_I: IntArray
    as_of: int | None

    @classmethod
    def of(cls, item_P: IntArray, time_P: IntArray | None, n_items: int, recent_days: int) -> "ItemStatistics":
        """Count interactions; of late are those of the last `recent_days` before the newest, all without times."""
        count_I = np.bincount(item_P, minlength=n_items).astype(np.int64)
        last_I = np.full(n_items, _NEVER)
        if time_P is None or len(time_P) == 0:
            return cls(count_I, count_I, last_I, None)
        as_of = int(time_P.max())
        is_recent_P = time_P > as_of - recent_days * DAY
        np.maximum.at(last_I, item_P, time_P)
        return cls(count_I, np.bincount(item_P[is_recent_P], minlength=n_items).astype(np.int64), last_I, as_of)

    def __len__(self) -> int:
        return len(self.count_I)

    def at(self, rows_M: IntArray) -> "ItemStatistics":
        """Those of some items, in this order; row -1 is an item that nobody took yet."""
        none = np.zeros(1, dtype=np.int64)
        return ItemStatistics(
            np.append(self.count_I, none)[rows_M],
            np.append(self.recent_I, none)[rows_M],
            np.append(self.last_I, none + _NEVER)[rows_M],
            self.as_of,
        )

    def days_since_last(self) -> FloatArray:
        """Days from the last time to `as_of`, float32 [I]; NaN for an item that was never taken."""
        never_I = self.last_I == _NEVER
        since_I = np.where(never_I, 0, (self.as_of or 0) - self.last_I) / DAY
        days_I: FloatArray = np.where(never_I, np.nan, since_I).astype(np.float32)
        return days_I


class KnownItems:
    """The statistics of the items that training knew, by item id."""

    def __init__(self, item_ids: Sequence[str], statistics: ItemStatistics) -> None:
        self._ids = pa.array(item_ids, pa.string())
        self._statistics = statistics

    def of(self, item_ids: pa.Array | pa.ChunkedArray) -> ItemStatistics:
        """The statistics of these items; an item that training did not know was taken by nobody."""
        rows_N = pc.index_in(item_ids.cast(pa.string()), value_set=self._ids).fill_null(-1)
        return self._statistics.at(rows_N.to_numpy(zero_copy_only=False).astype(np.int64))

    def write(self, path: Path) -> None:
        """Write an Arrow file; `open` reads it back."""
        statistics = self._statistics
        columns = (self._ids, statistics.count_I, statistics.recent_I, statistics.last_I)
        table = pa.table(dict(zip(("item_id", "count", "recent", "last"), columns, strict=True)))
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    @classmethod
    def open(cls, path: Path, as_of: int | None) -> "KnownItems":
        """Read what `write` wrote; raises BundleCorrupt."""
        try:
            table = pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all()
            count_I, recent_I, last_I = (table[name].to_numpy() for name in ("count", "recent", "last"))
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise BundleCorrupt(f"cannot read {path}: {error}; restore it", file=path.name) from error
        known = cls([], ItemStatistics(count_I, recent_I, last_I, as_of))
        known._ids = table["item_id"].combine_chunks()
        return known
