"""Candidates: items that a query meets in training because somebody chose them, not because a sampler drew them.

Letters: Q queries of the dataset, V candidates of all queries together, P pairs.
"""

from dataclasses import dataclass

import numpy as np

from training.ragged import FloatArray, IntArray, Ragged


@dataclass(frozen=True)
class PairScores:
    """Scores of (query row, item row) pairs, sorted by key `query * n_items + item`."""

    n_items: int
    key_P: IntArray
    score_P: FloatArray

    @classmethod
    def of(cls, query_P: IntArray, item_P: IntArray, score_P: FloatArray, n_items: int) -> "PairScores":
        """Collect pairs; of a repeated pair the last score counts."""
        key_P = query_P * n_items + item_P
        order_P = np.argsort(key_P, kind="stable")
        key_P, score_P = key_P[order_P], score_P[order_P]
        last_P = np.append(key_P[1:] != key_P[:-1], True) if len(key_P) else np.empty(0, dtype=np.bool_)
        return cls(n_items, key_P[last_P], score_P[last_P].astype(np.float32))

    def lookup(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """The score of each pair, NaN where there is none."""
        if len(self.key_P) == 0:
            return np.full(len(query_P), np.nan, dtype=np.float32)
        key_P = query_P * self.n_items + item_P
        place_P = np.minimum(np.searchsorted(self.key_P, key_P), len(self.key_P) - 1)
        found_P: FloatArray = np.where(self.key_P[place_P] == key_P, self.score_P[place_P], np.nan).astype(np.float32)
        return found_P


@dataclass(frozen=True)
class Candidates:
    """Items that join the pool for the sake of a query: hard negatives, or what a teacher judged.

    `items`: item rows by query row, no positive of the query among them. `per_step`: how many of them are drawn for
    each example of a step. `scores`: a teacher's scores of candidates and targets, None without a teacher.
    """

    items: Ragged
    per_step: int
    scores: PairScores | None = None


def draw(rows: Ragged, most: int, rng: np.random.Generator, weight_V: FloatArray | None = None) -> IntArray:
    """Positions among `rows.values_V` of up to `most` values of each row, drawn without replacement, in order.

    With `weight_V` the chance is proportional to the weight (Gumbel top-k); values of weight 0 come last.
    """
    key_V = rng.random(len(rows.values_V))
    if weight_V is not None:
        with np.errstate(divide="ignore"):
            key_V = np.log(weight_V.astype(np.float64)) - np.log(-np.log(key_V))
    row_V = rows.row_index_V
    order_V = np.lexsort((-key_V, row_V))
    place_V = np.empty(len(order_V), dtype=np.int64)
    place_V[order_V] = np.arange(len(order_V)) - np.repeat(rows.offsets[:-1], rows.lengths)
    return np.flatnonzero(place_V < most).astype(np.int64)
