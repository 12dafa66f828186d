"""Search of one corpus: query vectors in, item ids and scores out.

B queries, K hits, D embedding, N corpus. Scores are inner products, larger is better; with the metric cosine query
vectors are scaled to unit length, so that scores are cosines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.allowed_rows import AllowedRows
from index.device import Found, PlacedIndex
from index.errors import DimensionMismatch, InvalidSearchParams, InvalidVector, VersionClosed
from index.filtered_search import FilteredSearch
from index.ids import ItemIds
from index.kinds import IndexKind
from index.refine import refine
from index.threads import use_one_thread

Metric = Literal["cosine", "dot"]
NO_PARAMS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Hits:
    """The hits of a batch, best first: `ids[b][j]` has the score `scores_BK[b, j]` (float32)."""

    ids: list[list[str]]
    scores_BK: NDArray[np.float32]


class Searcher(Protocol):
    """Nearest-neighbour search over one corpus; safe to call from many threads at once."""

    @property
    def dimension(self) -> int:
        """Length of a query vector."""

    @property
    def count(self) -> int:
        """Items in the corpus."""

    def search(self, query_BD: ArrayLike, k: int, params: Mapping[str, int] = NO_PARAMS) -> Hits:
        """The min(k, count) best hits of each query.

        Raises DimensionMismatch, InvalidVector or InvalidSearchParams.
        """

    def search_rows(
        self, query_BD: NDArray[np.float32], k: int, params: Mapping[str, int], allowed: AllowedRows | None = None
    ) -> Found:
        """As `search`, of queries that `check_queries` returned, with rows for ids: for use inside this package.

        Only `allowed` rows are found, where they are given.
        """

    def close(self) -> None:
        """Free what the searcher holds; a later search raises VersionClosed."""


class RowSearcher:
    """A faiss index with the exact vectors of its rows; speaks of rows, so it stays inside this package."""

    def __init__(self, placed: PlacedIndex, kind: IndexKind, vectors_ND: NDArray[np.float32]) -> None:
        """`vectors_ND`, usually mapped, scores what codes found and completes answers that the index leaves short."""
        self._placed = placed
        self._kind = kind
        self._defaults = kind.parameters(NO_PARAMS)  # faiss only reads it, so all threads share one
        self._filtered = FilteredSearch(placed, kind, vectors_ND, self._search)
        self.vectors_ND = vectors_ND
        self._is_closed = False

    def search(
        self,
        query_BD: NDArray[np.float32],
        k: int,
        params: Mapping[str, int] = NO_PARAMS,
        allowed: AllowedRows | None = None,
    ) -> Found:
        """Scores and rows, both [B, min(k, count)], best first, of queries that `check_queries` returned.

        Scores are inner products with the vectors, also where the index holds codes. Where `allowed` is given, no other
        rows are found, and count is theirs. Raises InvalidSearchParams or
        VersionClosed.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InvalidSearchParams(f"k is {k!r}; give a whole number of at least 1", k=k)
        k = min(k, len(self.vectors_ND))
        if allowed is not None:
            if self._is_closed:  # exact scores need no index, and would be given all the same
                raise VersionClosed("this index version was closed; search the active one")
            return self._filtered.search(query_BD, k, params, allowed)
        scores_BK, rows_BK = self._search(
            query_BD, k, params, self._kind.parameters(params) if params else self._defaults
        )
        short_B = rows_BK[:, -1] < 0  # faiss pads with -1 when the probed cells hold fewer than k items
        if short_B.any():
            scores_BK[short_B], rows_BK[short_B] = self._exact(query_BD[short_B], k)
        return scores_BK, rows_BK

    def close(self) -> None:
        """Free the index; a later search raises VersionClosed, one under way ends well."""
        self._is_closed = True
        self._placed.close()

    def _search(
        self,
        query_BD: NDArray[np.float32],
        k: int,
        params: Mapping[str, int],
        parameters: faiss.SearchParameters | None,
    ) -> Found:
        """What the index finds, codes refined; where that is fewer than k, the row is -1."""
        candidates_per_hit = self._kind.candidates_per_hit(params)
        depth = min(k * (candidates_per_hit or 1), max(k, self._placed.largest_k), len(self.vectors_ND))
        found = self._placed.search(query_BD, depth, parameters)
        return found if candidates_per_hit is None else refine(query_BD, found[1], self.vectors_ND, k)

    def _exact(self, query_BD: NDArray[np.float32], k: int) -> Found:
        use_one_thread()
        scores_BK, rows_BK = faiss.knn(query_BD, self.vectors_ND, k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores_BK, rows_BK


class FaissSearcher:
    """A row searcher that speaks of item ids."""

    def __init__(self, rows: RowSearcher, ids: ItemIds, metric: Metric) -> None:
        self._rows = rows
        self._ids = ids
        self._metric = metric

    @property
    def dimension(self) -> int:
        """Length of a query vector."""
        return int(self._rows.vectors_ND.shape[1])

    @property
    def count(self) -> int:
        """Items in the corpus."""
        return len(self._ids)

    def search(self, query_BD: ArrayLike, k: int, params: Mapping[str, int] = NO_PARAMS) -> Hits:
        """The min(k, count) best hits of each query; a short answer of the index is completed exactly.

        Raises DimensionMismatch, InvalidVector, InvalidSearchParams or VersionClosed.
        """
        query_BD = check_queries(query_BD, self.dimension, self._metric)
        scores_BK, rows_BK = self.search_rows(query_BD, k, params)
        return Hits([self._ids.at(rows_K) for rows_K in rows_BK.tolist()], scores_BK)

    def search_rows(
        self, query_BD: NDArray[np.float32], k: int, params: Mapping[str, int], allowed: AllowedRows | None = None
    ) -> Found:
        """Scores and rows, both [B, min(k, count)], best first, of queries that `check_queries` returned.

        Only `allowed` rows are found, where they are given. Raises InvalidSearchParams or VersionClosed.
        """
        return self._rows.search(query_BD, k, params, allowed)

    def close(self) -> None:
        """Free the index; a later search raises VersionClosed, one under way ends well."""
        self._rows.close()


def check_queries(query_BD: ArrayLike, dimension: int, metric: Metric) -> NDArray[np.float32]:
    """Query vectors as float32 [B, D], of unit length when the metric is cosine (a zero vector stays zero).

    Raises DimensionMismatch or InvalidVector.
    """
    try:
        query = np.ascontiguousarray(query_BD, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidVector(f"query vectors must be lists of numbers of one length: {error}") from error
    if query.ndim != 2:
        raise InvalidVector(f"query vectors must be a matrix, one row a query, but have {query.ndim} axes")
    if query.shape[1] != dimension:
        raise DimensionMismatch(
            f"query vectors have {query.shape[1]} numbers, but this corpus has embeddings of {dimension}",
            dimension=dimension,
        )
    square_B = np.einsum("bd,bd->b", query, query)
    if not np.isfinite(square_B).all():
        position = int(np.argmin(np.isfinite(square_B)))
        raise InvalidVector(
            f"query vector {position} (counted from 0) holds NaN, infinity or a number too large to score",
            position=position,
        )
    if metric == "cosine":
        norm_B = np.sqrt(square_B)
        norm_B[norm_B == 0] = 1
        query = query / norm_B[:, None]
    return query
