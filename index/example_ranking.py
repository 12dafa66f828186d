"""Ranking by sets of examples.

B queries, R candidates of a query, V vectors that candidates are searched with, D embedding.
"""

import numpy as np

from index.allowed_rows import AllowedRows
from index.example_sets import ExampleSet
from index.ranking import PADDING, FloatArray, IntArray, Queries, Ranker, Ranking
from index.role import Role

# Measured on 10,708 descriptions, two examples: of the ten best of all, 200 hold .98 where the two have nothing in
# common, and all where they are alike.
LEAST_CANDIDATES = 200


class ExampleRanker:
    """Scores what another ranker finds near any example of a set, or near all together, with the vectors of a role."""

    def __init__(
        self, inner: Ranker, role: Role, n_candidates: int | None = None, allowed: AllowedRows | None = None
    ) -> None:
        """`n_candidates`: rows that each vector brings, where fewer are asked for. `allowed`: what `inner` may rank."""
        self._inner = inner
        self._role = role
        self._n_candidates = LEAST_CANDIDATES if n_candidates is None else n_candidates
        self._allowed = allowed

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`, of queries that are example sets; raises what the inner ranker raises."""
        sets = queries.example_sets()
        directions = [one.directions() for one in sets]
        most_named = max(len(one.named_rows_M) for one in sets)
        wanted = max(depth, self._n_candidates) + most_named
        found = self._inner.rank(Queries(np.concatenate(directions)), wanted)
        stops = np.cumsum([len(vectors_VD) for vectors_VD in directions])
        starts = stops - [len(vectors_VD) for vectors_VD in directions]
        ranked = [
            self._ranked(one, found.rows_BR[start:stop], depth)
            for one, start, stop in zip(sets, starts, stops, strict=True)
        ]
        total_B = found.total_B[starts] - [self._n_named(one) for one in sets]
        return _padded(ranked, total_B)

    def _ranked(self, one: ExampleSet, rows_VR: IntArray, depth: int) -> tuple[FloatArray, IntArray]:
        rows_R = np.setdiff1d(rows_VR, [PADDING, *one.named_rows_M])
        score_R = one.scores(self._role.vectors_ND[rows_R])
        order_R = np.argsort(-score_R, kind="stable")[:depth]
        return score_R[order_R], rows_R[order_R]

    def _n_named(self, one: ExampleSet) -> int:
        allowed = self._allowed
        return sum(allowed is None or allowed.contains(int(row)) for row in one.named_rows_M)


def _padded(ranked: list[tuple[FloatArray, IntArray]], total_B: IntArray) -> Ranking:
    shape = (len(ranked), max(len(row_R) for _, row_R in ranked))
    scores_BR, rows_BR = np.full(shape, -np.inf, dtype=np.float32), np.full(shape, PADDING, dtype=np.int64)
    for b, (score_R, row_R) in enumerate(ranked):
        scores_BR[b, : len(row_R)], rows_BR[b, : len(row_R)] = score_R, row_R
    return Ranking(scores_BR, rows_BR, total_B)
