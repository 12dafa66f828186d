"""Search under a prefix limit: candidates are ranked ever deeper until every query has what it was promised.

B queries, R candidates of one query, K hits of one query.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.semantic_id import KeyArray
from index.allowed_rows import AllowedRows
from index.prefix import PrefixIndex
from index.prefix_limit import PrefixLimit, Supply, pick
from index.ranking import DEEPEST_SEARCH, FloatArray, IntArray, Queries, Ranker, Ranking

FIRST_DEPTH_FACTOR = 4


@dataclass(frozen=True)
class Group:
    """A prefix, written as `12-200`, and how many of the hits are below it."""

    prefix: str
    n_hits: int


@dataclass(frozen=True)
class LimitedHits:
    """The hits of one query, best first; under a limit that groups, one group after the other.

    `is_exhaustive` says that no larger k would give more.
    """

    rows_K: IntArray
    scores_K: FloatArray
    groups: list[Group]
    is_exhaustive: bool


class LimitedSearch:
    """Searches for the k best hits, or k best prefixes, that a limit allows.

    Every query gets min(k, what the ranker can give), and under a limit that groups, every prefix its `most` best.
    """

    def __init__(
        self, ranker: Ranker, prefix: PrefixIndex, k: int, limit: PrefixLimit, allowed: AllowedRows | None = None
    ) -> None:
        """`prefix` is of the corpus that `ranker` ranks, `allowed` are the rows that it is held to, if to any."""
        self._ranker = ranker
        self._prefix = prefix
        self._k = k
        self._limit = limit
        self._allowed = allowed
        self._n_items = prefix.count(()) if allowed is None else allowed.count
        self._supply = Supply(*self._counts(), limit)

    def run(self, queries: Queries) -> list[LimitedHits]:
        """The hits of each query; raises what the ranker raises."""
        done: dict[int, LimitedHits] = {}
        for depth in self._depths():
            waiting = [b for b in range(len(queries)) if b not in done]
            if not waiting:
                break
            asked = queries.at(waiting)
            ranking = self._ranker.rank(asked, depth)
            for place, b in enumerate(waiting):
                hits = self._pick(asked, ranking, place, depth)
                if hits is not None:
                    done[b] = hits
        return [done[b] for b in range(len(queries))]

    def _depths(self) -> Iterator[int]:
        """Depths to rank to, doubling; the last is the whole corpus, which fulfils every promise."""
        depth = FIRST_DEPTH_FACTOR * self._k * (self._limit.most if self._limit.grouped else 1)
        while depth < self._n_items and depth <= DEEPEST_SEARCH:
            yield depth
            depth *= 2
        yield self._n_items

    def _pick(self, asked: Queries, ranking: Ranking, b: int, depth: int) -> LimitedHits | None:
        """The hits of query b among its candidates, None when deeper candidates are needed."""
        score_R, row_R = ranking.of(b, depth)
        key_R = self._prefix.keys(row_R, self._limit.level)
        kept = pick(key_R, self._k, self._limit)
        if depth >= ranking.total_B[b]:
            is_exhaustive = self._k >= _most_k(key_R, self._limit)
        else:
            own_key = self._own_key(asked, b)
            most_k = self._supply.most_k(own_key)
            if not self._is_enough(key_R[kept], min(self._k, most_k), own_key):
                return None
            is_exhaustive = self._k >= most_k
        groups = self._groups(key_R[kept]) if self._limit.grouped else []
        return LimitedHits(row_R[kept], score_R[kept], groups, is_exhaustive)

    def _counts(self) -> tuple[KeyArray, NDArray[np.int64]]:
        """The prefixes of the rows that may be hits, and how many rows each has."""
        if self._allowed is None:
            return self._prefix.counts(self._limit.level)
        return np.unique(self._prefix.keys(self._allowed.rows(), self._limit.level), return_counts=True)

    def _own_key(self, asked: Queries, b: int) -> np.uint64 | None:
        """The prefix of the row that may be no hit of query b but counts among those that may be hits."""
        if asked.own_rows_B is None:
            return None
        if self._allowed is not None and not self._allowed.contains(int(asked.own_rows_B[b])):
            return None
        own_key: np.uint64 = self._prefix.keys(asked.own_rows_B[[b]], self._limit.level)[0]
        return own_key

    def _is_enough(self, key_K: KeyArray, k: int, own_key: np.uint64 | None) -> bool:
        if not self._limit.grouped:
            return len(key_K) == k
        prefixes = np.unique(key_K)
        return len(prefixes) == k and len(key_K) == self._supply.hits_below(prefixes, own_key)

    def _groups(self, key_K: KeyArray) -> list[Group]:
        first = np.sort(np.unique(key_K, return_index=True)[1])  # the hits of a prefix follow one another
        codes = self._prefix.space.prefix_codes(key_K[first], self._limit.level).tolist()
        n_hits = np.diff(first, append=len(key_K)).tolist()
        return [Group("-".join(map(str, one)), n) for one, n in zip(codes, n_hits, strict=True)]


def _most_k(key_R: KeyArray, limit: PrefixLimit) -> int:
    """The largest k that a complete ranking with these prefixes answers in full: hits, or prefixes where grouped."""
    counts: NDArray[np.int64] = np.unique(key_R, return_counts=True)[1]
    return len(counts) if limit.grouped else int(np.minimum(counts, limit.most).sum())
