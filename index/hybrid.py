"""Ranks a corpus by embeddings and words together. B queries, R ranked rows, C candidates, N corpus, D embedding."""

import numpy as np

from index.fusion import POOL, UNRANKED, Candidates, Fusion, best_first
from index.lexical.ranker import LexicalRanker, best
from index.ranking import PADDING, FloatArray, IntArray, Queries, Ranker, Ranking
from index.role import Role


class HybridRanker:
    """Joins the best items by embedding with the best by words; each is scored exactly by both, found or not.

    The two rankings go POOL deep, or as deep as is asked for. Whatever the words find, every item that `dense` ranks
    can be a hit.
    """

    def __init__(self, dense: Ranker, lexical: LexicalRanker, role: Role, fusion: Fusion) -> None:
        """`dense` ranks by the vectors of `role`."""
        self._dense = dense
        self._lexical = lexical
        self._role = role
        self._fusion = fusion

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises what the dense ranker raises."""
        near = self._dense.rank(queries, max(depth, POOL))
        width = min(depth, int(near.total_B.max(initial=0)))
        scores_BR = np.full((len(queries), width), -np.inf, dtype=np.float32)
        rows_BR = np.full((len(queries), width), PADDING, dtype=np.int64)
        for b in range(len(queries)):
            candidates = self._candidates(queries, b, near, max(depth, POOL))
            score_C = self._fusion.scores(candidates)
            order_R = best_first(score_C, candidates.row_C, width)
            scores_BR[b, : len(order_R)] = score_C[order_R]
            rows_BR[b, : len(order_R)] = candidates.row_C[order_R]
        return Ranking(scores_BR, rows_BR, near.total_B)

    def candidates(self, queries: Queries) -> list[Candidates]:
        """What each query finds POOL deep, for learning how to join the scores."""
        near = self._dense.rank(queries, POOL)
        return [self._candidates(queries, b, near, POOL) for b in range(len(queries))]

    def _candidates(self, queries: Queries, b: int, near: Ranking, depth: int) -> Candidates:
        near_R = near.of(b, depth)[1]
        lexical_N = self._lexical.scores(queries, b)
        worded_R = best(lexical_N, depth)[1]
        row_C = np.union1d(near_R, worded_R)
        dense_C: FloatArray = self._role.vectors_ND[row_C] @ queries.embedded()[b]
        return Candidates(row_C, dense_C, lexical_N[row_C], _ranks(near_R, row_C), _ranks(worded_R, row_C))


def _ranks(row_R: IntArray, row_C: IntArray) -> IntArray:
    """The rank of each candidate among the rows of a ranking, which are all candidates."""
    rank_C = np.full(len(row_C), UNRANKED, dtype=np.int64)
    rank_C[np.searchsorted(row_C, row_R)] = np.arange(1, len(row_R) + 1)
    return rank_C
