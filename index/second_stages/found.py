"""The candidates of each query, and rankings made of them. C candidates of one query, S scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.ranking import FloatArray, IntArray, Queries, Ranking
from index.reranked import padded
from index.second_stages.contract import Ordered, Report


@dataclass(frozen=True, eq=False)
class Found:
    """The candidates of one query, best first by the first stage; `k` of them are wanted.

    `query` is a batch of this query alone. `until`: when scoring is to end, by the clock of the stage.
    """

    query: Queries
    score_C: FloatArray
    row_C: IntArray
    k: int
    until: float | None = None


def in_order(found: Found, score_S: FloatArray) -> tuple[FloatArray, IntArray]:
    """The k best: the first S candidates by these scores, then the others as they were found.

    Equal scores keep the order of the first stage.
    """
    n_scored = len(score_S)
    order_S = np.argsort(-score_S, kind="stable")
    scores = np.concatenate([score_S[order_S], found.score_C[n_scored:]])[: found.k]
    rows = np.concatenate([found.row_C[:n_scored][order_S], found.row_C[n_scored:]])[: found.k]
    return scores, rows


def candidates(queries: Queries, found: Ranking, b: int, k: int, until: float | None = None) -> Found:
    """The candidates of query b."""
    score_C, row_C = found.of(b, found.rows_BR.shape[1])
    return Found(queries.at([b]), score_C, row_C, k, until)


def ordered(
    best: Sequence[tuple[FloatArray, IntArray]], k: int, found: Ranking, reports: Sequence[Report] | None = None
) -> Ordered:
    """Scores and rows of each query as one ranking."""
    return Ordered(padded(best, k, found.total_B), reports)
