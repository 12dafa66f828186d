"""Limits on how many hits may share a prefix of their semantic IDs: the choice of hits, and what a corpus can give.

N hits or items, P prefixes in use. Prefixes are written as keys, see `SemanticIdSpace.prefix_keys`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.semantic_id import KeyArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PrefixLimit:
    """At most `most` hits of one prefix of `level` codes; k counts hits, or prefixes when `grouped`."""

    level: int
    most: int
    grouped: bool = False


def pick(key_N: KeyArray, k: int, limit: PrefixLimit) -> IntArray:
    """The places to keep of a ranking whose hits lie below the prefixes `key_N`, best first.

    Ungrouped: the first k that the limit lets through, in rank order. Grouped: the first `most` of each of the k
    prefixes met first, one prefix after the other.
    """
    _, first_P, prefix_N, count_P = np.unique(key_N, return_index=True, return_inverse=True, return_counts=True)
    by_prefix_N = np.argsort(prefix_N, kind="stable")
    rank_N = np.empty(len(key_N), dtype=np.int64)  # among the hits of the same prefix
    rank_N[by_prefix_N] = np.arange(len(key_N)) - np.repeat(np.cumsum(count_P) - count_P, count_P)
    is_kept_N = rank_N < limit.most
    if not limit.grouped:
        return np.flatnonzero(is_kept_N)[:k]
    group_N = np.argsort(np.argsort(first_P))[prefix_N]
    kept = np.flatnonzero(is_kept_N & (group_N < k))
    return kept[np.argsort(group_N[kept], kind="stable")]


class Supply:
    """What a corpus can give under a limit, less one item where a query is an item itself."""

    def __init__(self, key_P: KeyArray, count_P: IntArray, limit: PrefixLimit) -> None:
        """`key_P`, ascending, are the prefixes in use; `count_P` the items below each."""
        self._key_P = key_P
        self._count_P = count_P
        self._limit = limit
        self._hits = int(np.minimum(count_P, limit.most).sum())

    def most_k(self, own_key: np.uint64 | None) -> int:
        """The largest k that can be answered in full: hits, or prefixes when the limit groups."""
        own_count = 0 if own_key is None else int(self._counts(np.array([own_key]))[0])
        if self._limit.grouped:
            return len(self._key_P) - (own_count == 1)
        return self._hits - (0 < own_count <= self._limit.most)

    def hits_below(self, key_N: KeyArray, own_key: np.uint64 | None) -> int:
        """Hits that the limit allows below these different prefixes together."""
        count_N = self._counts(key_N)
        if own_key is not None:
            count_N = count_N - (key_N == own_key)
        return int(np.minimum(count_N, self._limit.most).sum())

    def _counts(self, key_N: KeyArray) -> IntArray:
        counts: IntArray = self._count_P[np.searchsorted(self._key_P, key_N)]
        return counts
