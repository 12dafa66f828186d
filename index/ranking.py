"""What orders the corpus for queries, to any depth: the first stage of every search.

B queries, R ranked rows of a query, D embedding, N corpus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.featurize import Record
from index.allowed_rows import AllowedRows
from index.example_sets import ExampleSet
from index.role import Role
from index.searcher import NO_PARAMS

# Deeper than this every row is scored: once, instead of searched again and again, and a GPU goes no deeper.
DEEPEST_SEARCH = 2_048
PADDING = -1
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Queries:
    """One batch of queries, in the forms that rankers read."""

    vectors_BD: FloatArray | None = None
    """As `check_queries` returned them; None where nothing was embedded."""
    records: Sequence[Record] | None = None
    """None where the queries are vectors or items."""
    own_rows_B: IntArray | None = None
    """The row of the item that each query is, which is no hit of its own; None where queries are no items."""
    sets: Sequence[ExampleSet] | None = None
    """None where the queries are not sets of examples."""

    @classmethod
    def joined(cls, parts: "Sequence[Queries]") -> "Queries":
        """All queries of parts that come in the same forms, one part after the other."""
        if len(parts) == 1:
            return parts[0]
        vectors = [part.vectors_BD for part in parts if part.vectors_BD is not None]
        own_rows = [part.own_rows_B for part in parts if part.own_rows_B is not None]
        records = [record for part in parts for record in part.records or ()]
        return cls(
            np.concatenate(vectors) if vectors else None,
            records if parts[0].records is not None else None,
            np.concatenate(own_rows) if own_rows else None,
            [one for part in parts for one in part.sets or ()] if parts[0].sets is not None else None,
        )

    def __len__(self) -> int:
        if self.vectors_BD is not None:  # nearly always
            return len(self.vectors_BD)
        forms = (self.records, self.own_rows_B, self.sets)
        given = next(part for part in forms if part is not None)
        return len(given)

    def embedded(self) -> FloatArray:
        """The vectors [B, D], where a ranker cannot do without; ValueError where nothing was embedded."""
        if self.vectors_BD is None:
            raise ValueError("this ranker needs the vectors of its queries, but they were not embedded")
        return self.vectors_BD

    def example_sets(self) -> Sequence[ExampleSet]:
        """The sets, where a ranker reads nothing else; ValueError where the queries are none."""
        if self.sets is None:
            raise ValueError("this ranker reads sets of examples, but its queries are none")
        return self.sets

    def at(self, places: Sequence[int]) -> "Queries":
        """The queries at these places, in this order."""
        return Queries(
            None if self.vectors_BD is None else self.vectors_BD[places],
            None if self.records is None else [self.records[b] for b in places],
            None if self.own_rows_B is None else self.own_rows_B[places],
            None if self.sets is None else [self.sets[b] for b in places],
        )


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows best first, [B, R]; where a query has fewer, the row is -1 and the score minus infinity.

    `total_B` says how many rows the query has at any depth.
    """

    scores_BR: FloatArray
    rows_BR: IntArray
    total_B: IntArray

    def of(self, b: int, k: int) -> tuple[FloatArray, IntArray]:
        """Scores and rows of the k best of query b, without padding."""
        n_hits = min(k, int(self.total_B[b]))
        return self.scores_BR[b, :n_hits], self.rows_BR[b, :n_hits]

    def ordered_by(self, scores_BR: FloatArray, depth: int) -> "Ranking":
        """The `depth` best of these rows by other scores, which equal ones keep their order in."""
        scores_BR = np.where(self.rows_BR == PADDING, -np.inf, scores_BR).astype(np.float32, copy=False)
        order_BR = np.argsort(-scores_BR, axis=1, kind="stable")[:, :depth]
        return Ranking(
            np.take_along_axis(scores_BR, order_BR, axis=1),
            np.take_along_axis(self.rows_BR, order_BR, axis=1),
            self.total_B,
        )


class Ranker(Protocol):
    """Orders a corpus for queries; safe to call from many threads at once."""

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """The min(depth, total) best rows of each query, never its own row; `total_B` does not count that either."""


class DenseRanker:
    """Ranks by inner product with the vectors of a role; every row has a score."""

    def __init__(self, role: Role, params: Mapping[str, int] = NO_PARAMS, allowed: AllowedRows | None = None) -> None:
        """`allowed`: the rows that are ranked; all where none are given."""
        self._role = role
        self._params = params
        self._allowed = allowed

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises InvalidSearchParams or VersionClosed."""
        query_BD, own_rows_B, allowed = queries.embedded(), queries.own_rows_B, self._allowed
        count = self._role.searcher.count if allowed is None else allowed.count
        total_B = np.full(len(query_BD), count)
        wanted = min(depth + (own_rows_B is not None), count)
        if wanted > DEEPEST_SEARCH:
            scores_BR, rows_BR = self._exact(query_BD, wanted)
        else:
            scores_BR, rows_BR = self._role.searcher.search_rows(query_BD, max(1, wanted), self._params, allowed)
        if own_rows_B is not None:
            total_B -= 1 if allowed is None else allowed.contains_each(own_rows_B)
            scores_BR, rows_BR = _without(own_rows_B, scores_BR, rows_BR)
        return Ranking(scores_BR[:, :depth], rows_BR[:, :depth], total_B)

    def _exact(self, query_BD: FloatArray, depth: int) -> tuple[FloatArray, IntArray]:
        scores_BR = np.empty((len(query_BD), depth), dtype=np.float32)
        rows_BR = np.empty((len(query_BD), depth), dtype=np.int64)
        row_M = np.arange(len(self._role.vectors_ND)) if self._allowed is None else self._allowed.rows()
        for b, query_D in enumerate(query_BD):  # one at a time, because a row of scores is as long as the corpus
            score_M = (self._role.vectors_ND @ query_D)[row_M]
            best_R = np.argsort(-score_M, kind="stable")[:depth]
            scores_BR[b], rows_BR[b] = score_M[best_R], row_M[best_R]
        return scores_BR, rows_BR


class Rescored:
    """Scores the best rows of another ranker again, exactly, with the vectors of a role."""

    def __init__(self, inner: Ranker, role: Role, n_candidates: int) -> None:
        """`n_candidates`: rows that are scored again where fewer are asked for."""
        self._inner = inner
        self._role = role
        self._n_candidates = n_candidates

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises what the inner ranker raises."""
        query_BD = queries.embedded()
        found = self._inner.rank(queries, max(depth, self._n_candidates))
        vectors_BRD = self._role.vectors_ND[np.maximum(found.rows_BR, 0)]
        scores_BR = np.einsum("brd,bd->br", vectors_BRD, query_BD)
        return found.ordered_by(scores_BR, depth)


def _without(own_rows_B: IntArray, scores_BR: FloatArray, rows_BR: IntArray) -> tuple[FloatArray, IntArray]:
    """Each query's own row, where that was found, turned into padding at the end."""
    is_own_BR = rows_BR == own_rows_B[:, None]
    order_BR = np.argsort(is_own_BR, axis=1, kind="stable")
    scores_BR = np.where(is_own_BR, -np.inf, scores_BR).astype(np.float32)
    rows_BR = np.where(is_own_BR, PADDING, rows_BR)
    return np.take_along_axis(scores_BR, order_BR, axis=1), np.take_along_axis(rows_BR, order_BR, axis=1)
