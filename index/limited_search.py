"""Search under a prefix limit: candidates are fetched ever deeper until every query has what it was promised.

B queries, D embedding, N corpus, R candidates of one query, K hits of one query.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bundle.semantic_id import KeyArray
from index.manifest import Relation
from index.prefix import PrefixIndex
from index.prefix_limit import PrefixLimit, Supply, pick
from index.searcher import NO_PARAMS, check_queries
from index.version import IndexVersion

FIRST_DEPTH_FACTOR = 4
# Beyond this depth the whole corpus is ranked exactly: once, instead of searched again and again, and a GPU goes no
# deeper.
DEEPEST_SEARCH = 2_048
FloatArray = NDArray[np.float32]
RowArray = NDArray[np.int64]


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

    item_ids: list[str]
    scores_K: FloatArray
    groups: list[Group]
    is_exhaustive: bool


@dataclass(frozen=True)
class _Ranking:
    """Candidates of one query, best first."""

    row_R: RowArray
    score_R: FloatArray


class LimitedSearch:
    """Searches one version for the k best hits, or k best prefixes, that a limit allows.

    Every query gets min(k, what the corpus can give), and under a limit that groups, every prefix its `most` best.
    """

    def __init__(
        self,
        version: IndexVersion,
        prefix: PrefixIndex,
        k: int,
        limit: PrefixLimit,
        params: Mapping[str, int] = NO_PARAMS,
        rescored: int | None = None,
        relation: Relation | None = None,
    ) -> None:
        """`prefix` is that of `version`. `rescored`: candidates scored exactly before the limit, to begin with.

        Raises RelationNotServed.
        """
        self._version = version
        self._role = version.role(relation)
        self._prefix = prefix
        self._k = k
        self._limit = limit
        self._params = params
        self._rescored = rescored
        self._supply = Supply(*prefix.counts(limit.level), limit)

    def run(self, query_BD: ArrayLike, own_ids_B: Sequence[str] | None = None) -> list[LimitedHits]:
        """The hits of each query; `own_ids_B` names for each the item that shall be no hit of itself.

        Raises UnknownItem, DimensionMismatch, InvalidVector, InvalidSearchParams or VersionClosed.
        """
        query_BD = check_queries(query_BD, self._version.dimension, self._version.manifest.metric)
        own_B: Sequence[int | None] = [None] * len(query_BD)
        if own_ids_B is not None:
            own_B = self._version.ids.rows(own_ids_B).tolist()
        done: dict[int, LimitedHits] = {}
        for depth in self._depths():
            waiting = [b for b in range(len(query_BD)) if b not in done]
            if not waiting:
                break
            for b, ranking in zip(waiting, self._rankings(query_BD[waiting], depth), strict=True):
                hits = self._pick(ranking, own_B[b])
                if hits is not None:
                    done[b] = hits
        return [done[b] for b in range(len(query_BD))]

    def _depths(self) -> Iterator[int]:
        """Depths to search at, doubling; the last is the whole corpus, which fulfils every promise."""
        hits = self._k * (self._limit.most if self._limit.grouped else 1)
        depth = min(self._rescored or FIRST_DEPTH_FACTOR * hits, DEEPEST_SEARCH)
        while depth < self._version.count and depth <= DEEPEST_SEARCH:
            yield depth
            depth *= 2
        yield self._version.count

    def _rankings(self, query_BD: FloatArray, depth: int) -> Iterator[_Ranking]:
        vectors_ND = self._role.vectors_ND
        if depth == self._version.count:
            for query_D in query_BD:
                yield _ranked(np.arange(depth), vectors_ND @ query_D)
            return
        scores_BR, rows_BR = self._role.searcher.search_rows(query_BD, depth, self._params)
        for query_D, row_R, score_R in zip(query_BD, rows_BR, scores_BR, strict=True):
            yield _Ranking(row_R, score_R) if self._rescored is None else _ranked(row_R, vectors_ND[row_R] @ query_D)

    def _pick(self, ranking: _Ranking, own: int | None) -> LimitedHits | None:
        """The hits among the candidates, None when deeper candidates are needed."""
        row_R, score_R, own_key = ranking.row_R, ranking.score_R, None
        if own is not None:
            is_other_R = row_R != own
            row_R, score_R = row_R[is_other_R], score_R[is_other_R]
            own_key = self._prefix.keys(np.array([own]), self._limit.level)[0]
        key_R = self._prefix.keys(row_R, self._limit.level)
        kept = pick(key_R, self._k, self._limit)
        most_k = self._supply.most_k(own_key)
        if not self._is_enough(key_R[kept], min(self._k, most_k), own_key):
            return None
        groups = self._groups(key_R[kept]) if self._limit.grouped else []
        return LimitedHits(self._version.ids.at(row_R[kept].tolist()), score_R[kept], groups, self._k >= most_k)

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


def _ranked(row_R: RowArray, score_R: FloatArray) -> _Ranking:
    order = np.argsort(-score_R, kind="stable")
    return _Ranking(row_R[order], score_R[order])
