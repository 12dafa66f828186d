"""Semantic IDs of a corpus and the index of their prefixes.

N corpus, L levels. Keys are packed codes; sorted, the items under any prefix are one range of them, found by two binary
searches. Items that share a key are told apart by their suffix. Suffixes may have gaps, left by items now gone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bundle.errors import UnknownItem
from bundle.semantic_id import IntArray, KeyArray, SemanticId, SemanticIdSpace
from index.ids import ItemIds
from index.resolution import Resolved


@dataclass(frozen=True)
class Child:
    """One code that follows a prefix, and how many items lie below it."""

    code: int
    count: int


def semantic_id_table(resolved: Resolved) -> pa.Table:
    """Keys, suffixes and raw keys by row, and the rows in the order of (key, suffix)."""
    order_N = np.lexsort((resolved.suffix_N, resolved.key_N))
    return pa.table(
        {
            "key": resolved.key_N,
            "suffix": resolved.suffix_N,
            "raw_key": resolved.raw_key_N,
            "sorted_key": resolved.key_N[order_N],
            "row_by_key": order_N.astype(np.int64),
        }
    )


class PrefixIndex:
    """The semantic IDs of one index version; all methods read mapped columns and need no lock."""

    def __init__(self, batch: pa.RecordBatch, space: SemanticIdSpace, ids: ItemIds) -> None:
        """`batch`: the columns that `semantic_id_table` made."""
        self.space = space
        self._ids = ids
        self._key_N: KeyArray = batch["key"].to_numpy()
        self._suffix_N: IntArray = batch["suffix"].to_numpy()
        self._sorted_key_N: KeyArray = batch["sorted_key"].to_numpy()
        self._row_by_key_N: IntArray = batch["row_by_key"].to_numpy()

    def semantic_ids(self, item_ids: Sequence[str]) -> list[SemanticId]:
        """The semantic ID of each item; raises UnknownItem."""
        rows = self._ids.rows(item_ids)
        codes_NL = self.space.unpack(self._key_N[rows]).tolist()
        return [
            SemanticId(tuple(codes), suffix)
            for codes, suffix in zip(codes_NL, self._suffix_N[rows].tolist(), strict=True)
        ]

    def count(self, prefix: Sequence[int]) -> int:
        """Items whose codes begin with `prefix`; all items for the empty one. Raises InvalidSemanticId."""
        start, stop = self._range(prefix)
        return stop - start

    def item_ids(self, prefix: Sequence[int], limit: int, offset: int = 0) -> list[str]:
        """At most `limit` items under `prefix` after the first `offset`, in the order of (codes, suffix).

        Raises InvalidSemanticId.
        """
        start, stop = self._range(prefix)
        first = min(start + max(0, offset), stop)
        return self._ids.at(self._row_by_key_N[first : min(first + max(0, limit), stop)].tolist())

    def item(self, semantic_id: SemanticId) -> str:
        """The one item with these codes and this suffix; raises InvalidSemanticId or UnknownItem."""
        self.space.check([semantic_id.codes])
        start, stop = self._range(semantic_id.codes)
        place = bisect_left(range(start, stop), semantic_id.suffix, key=self._suffix_at) + start
        if place == stop or self._suffix_at(place) != semantic_id.suffix:
            raise UnknownItem(f"no item has the semantic ID {semantic_id}", semantic_id=str(semantic_id))
        return self._ids.at([int(self._row_by_key_N[place])])[0]

    def children(self, prefix: Sequence[int]) -> list[Child]:
        """The codes that occur after `prefix`, ascending, with their counts; none below a full semantic ID.

        Raises InvalidSemanticId.
        """
        low, high = self.space.prefix_range(prefix)
        if len(prefix) == self.space.levels:
            return []
        n_codes = self.space.codebook_sizes[len(prefix)]
        # Exact whole numbers: the last bound of a space of 2^64 keys does not fit uint64, so the high end is closed.
        step = (high - low + 1) // n_codes
        lows = np.array([low + code * step for code in range(n_codes)], dtype=np.uint64)
        starts = np.searchsorted(self._sorted_key_N, lows, side="left")
        counts = np.diff(np.append(starts, self._range(prefix)[1]))
        return [Child(int(code), int(counts[code])) for code in np.flatnonzero(counts)]

    def _suffix_at(self, place: int) -> int:
        return int(self._suffix_N[self._row_by_key_N[place]])

    def _range(self, prefix: Sequence[int]) -> tuple[int, int]:
        low, high = self.space.prefix_range(prefix)
        start = np.searchsorted(self._sorted_key_N, np.uint64(low), side="left")
        return int(start), int(np.searchsorted(self._sorted_key_N, np.uint64(high), side="right"))
