"""Ranks a corpus by the words of a query. B queries, R ranked rows, N corpus, C candidates."""

import numpy as np

from index.allowed_rows import AllowedRows
from index.fusion import best_first
from index.lexical.bm25 import Bm25
from index.lexical.query_text import QueryText
from index.ranking import PADDING, FloatArray, IntArray, Queries, Ranking


class LexicalRanker:
    """Ranks by BM25; only items that have a word of the query are ranked, equal scores in the order of their rows."""

    def __init__(self, bm25: Bm25, query_text: QueryText, allowed: AllowedRows | None = None) -> None:
        self._bm25 = bm25
        self._query_text = query_text
        self._allowed_N = None if allowed is None else allowed.mask(bm25.count)

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; `total_B` counts the items that have a word of the query."""
        found = [best(self.scores(queries, b), depth) for b in range(len(queries))]
        width = max(len(row_R) for _, row_R, _ in found)
        scores_BR = np.full((len(queries), width), -np.inf, dtype=np.float32)
        rows_BR = np.full((len(queries), width), PADDING, dtype=np.int64)
        for b, (score_R, row_R, _) in enumerate(found):
            scores_BR[b, : len(row_R)], rows_BR[b, : len(row_R)] = score_R, row_R
        return Ranking(scores_BR, rows_BR, np.array([total for *_, total in found], dtype=np.int64))

    def scores(self, queries: Queries, b: int) -> FloatArray:
        """The score [N] of every item for query b; 0 for what may not be found."""
        if queries.records is None:
            raise ValueError("this ranker needs the records of its queries, but they are vectors or items")
        score_N = self._bm25.scores(self._query_text.of(queries.records[b]))
        if self._allowed_N is not None:
            score_N[~self._allowed_N] = 0
        if queries.own_rows_B is not None:
            score_N[queries.own_rows_B[b]] = 0
        return score_N


def best(score_N: FloatArray, depth: int) -> tuple[FloatArray, IntArray, int]:
    """Scores and rows of the `depth` best items above 0, best first, and how many are above 0 at all."""
    row_C = np.flatnonzero(score_N > 0)
    total = len(row_C)
    if total > depth:  # all that reach the depth-th best score, so that rows decide between equals
        least = np.partition(score_N[row_C], total - depth)[total - depth]
        row_C = row_C[score_N[row_C] >= least]
    row_R = row_C[best_first(score_N[row_C], row_C, depth)]
    return score_N[row_R], row_R, total
