"""Semantic IDs of a corpus and the index of their prefixes.

N corpus, L levels. Keys are packed codes; sorted, the items under any prefix are one range of them, found by two binary
searches. Items that share a key are told apart by their suffix. Suffixes may have gaps, left by items now gone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


class Holders(NamedTuple):
    """How many items have a semantic ID, and some of them with their suffixes."""

    n_items: int
    suffixes: list[int]
    item_ids: list[str]


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
    """The semantic IDs of one index version; all methods may be called from many threads and need no lock."""

    def __init__(self, batch: pa.RecordBatch, space: SemanticIdSpace, ids: ItemIds) -> None:
        """`batch`: the columns that `semantic_id_table` made."""
        self.space = space
        self._ids = ids
        self._key_N: KeyArray = batch["key"].to_numpy()
        self._suffix_N: IntArray = batch["suffix"].to_numpy()
        self._sorted_key_N: KeyArray = batch["sorted_key"].to_numpy()
        self._row_by_key_N: IntArray = batch["row_by_key"].to_numpy()
        self._counts: dict[int, tuple[KeyArray, IntArray]] = {}

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
        start, stop = self._with_suffix(start, stop, semantic_id.suffix)
        if start == stop:
            raise UnknownItem(f"no item has the semantic ID {semantic_id}", semantic_id=str(semantic_id))
        return self._ids.at([int(self._row_by_key_N[start])])[0]

    def holders(self, semantic_ids: Sequence[SemanticId], limit: int, offset: int = 0) -> list[Holders]:
        """The items of each semantic ID, at most `limit` of them after the first `offset`; a suffix above 0 names one.

        All are looked up at once, which costs a tenth of one after the other. Raises InvalidSemanticId.
        """
        key_M = self.space.pack([semantic_id.codes for semantic_id in semantic_ids])
        start_M = np.searchsorted(self._sorted_key_N, key_M, side="left").tolist()
        stop_M = np.searchsorted(self._sorted_key_N, key_M, side="right").tolist()
        found = []
        for semantic_id, start, stop in zip(semantic_ids, start_M, stop_M, strict=True):
            if semantic_id.suffix:
                start, stop = self._with_suffix(start, stop, semantic_id.suffix)
            first = min(start + offset, stop)
            rows = self._row_by_key_N[first : min(first + limit, stop)]
            found.append(Holders(stop - start, self._suffix_N[rows].tolist(), self._ids.at(rows.tolist())))
        return found

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

    def keys(self, rows: IntArray, level: int) -> KeyArray:
        """The key of each row's first `level` codes; rows do not leave this package."""
        return self.space.prefix_keys(self._key_N[rows], level)

    def counts(self, level: int) -> tuple[KeyArray, IntArray]:
        """The keys of all prefixes of `level` codes that items have, ascending, and the number of items of each."""
        if level not in self._counts:  # two threads may both count, and keep the same
            prefixes_N = self.space.prefix_keys(self._sorted_key_N, level)
            starts = np.flatnonzero(np.concatenate([[True], prefixes_N[1:] != prefixes_N[:-1]]))
            self._counts[level] = prefixes_N[starts], np.diff(starts, append=len(prefixes_N))
        return self._counts[level]

    def _with_suffix(self, start: int, stop: int, suffix: int) -> tuple[int, int]:
        """The place of the one item with that suffix among those that share a key; nothing when there is none."""
        place = bisect_left(range(start, stop), suffix, key=self._suffix_at) + start
        return (place, place + 1) if place < stop and self._suffix_at(place) == suffix else (stop, stop)

    def _suffix_at(self, place: int) -> int:
        return int(self._suffix_N[self._row_by_key_N[place]])

    def _range(self, prefix: Sequence[int]) -> tuple[int, int]:
        low, high = self.space.prefix_range(prefix)
        start = np.searchsorted(self._sorted_key_N, np.uint64(low), side="left")
        return int(start), int(np.searchsorted(self._sorted_key_N, np.uint64(high), side="right"))
