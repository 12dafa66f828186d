"""Semantic IDs of a corpus and the index of their prefixes.

N corpus, L levels. Keys are packed codes; sorted, the items under any prefix are one range of them, found by two binary
searches. Items that share all codes are told apart by a suffix: their rank by item id, 0 for the first, so that a
rebuild gives the same IDs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bundle.errors import UnknownItem
from bundle.semantic_id import IntArray, KeyArray, SemanticId, SemanticIdSpace
from index.ids import ItemIds


@dataclass(frozen=True)
class Child:
    """One code that follows a prefix, and how many items lie below it."""

    code: int
    count: int


def semantic_id_table(codes_NL: IntArray, space: SemanticIdSpace) -> pa.Table:
    """Keys and suffixes by row, and the rows in the order of (key, item id), for rows sorted by item id."""
    key_N = space.pack(codes_NL)
    order_N = np.argsort(key_N, kind="stable")
    sorted_key_N = key_N[order_N]
    place_N = np.arange(len(key_N))
    is_first_N = np.concatenate([[True], sorted_key_N[1:] != sorted_key_N[:-1]])
    suffix_N = np.empty(len(key_N), dtype=np.int64)
    suffix_N[order_N] = place_N - np.maximum.accumulate(np.where(is_first_N, place_N, 0))
    return pa.table(
        {"key": key_N, "suffix": suffix_N, "sorted_key": sorted_key_N, "row_by_key": order_N.astype(np.int64)}
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
        """At most `limit` items under `prefix` after the first `offset`, in the order of (codes, item id).

        Raises InvalidSemanticId.
        """
        start, stop = self._range(prefix)
        first = min(start + max(0, offset), stop)
        return self._ids.at(self._row_by_key_N[first : min(first + max(0, limit), stop)].tolist())

    def item(self, semantic_id: SemanticId) -> str:
        """The one item with these codes and this suffix; raises InvalidSemanticId or UnknownItem."""
        self.space.check([semantic_id.codes])
        found = self.item_ids(semantic_id.codes, limit=1, offset=semantic_id.suffix)
        if not found:
            raise UnknownItem(f"no item has the semantic ID {semantic_id}", semantic_id=str(semantic_id))
        return found[0]

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

    def _range(self, prefix: Sequence[int]) -> tuple[int, int]:
        low, high = self.space.prefix_range(prefix)
        start = np.searchsorted(self._sorted_key_N, np.uint64(low), side="left")
        return int(start), int(np.searchsorted(self._sorted_key_N, np.uint64(high), side="right"))
