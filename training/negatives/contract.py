"""The pool of candidate items of one batch, and who fills it.

Axes: M items of the pool, N items of the catalogue, P targets of the batch (repeats kept).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from training.errors import BadData
from training.ragged import FloatArray, IntArray

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Distinct items, ascending, with how often each was drawn as a negative.

    Every target of the batch is in the pool; one that no draw produced has 0 draws. `logq_M` is the log
    probability of each item in one draw, None where all items are equally likely or all are there.
    """

    item_rows_M: IntArray
    draws_M: IntArray
    logq_M: FloatArray | None


class Negatives(Protocol):
    """Chooses the pool of a batch."""

    def pool(self, target_rows_P: IntArray, rng: np.random.Generator) -> Pool:
        """The pool for a batch with these targets; all randomness comes from `rng`."""


class NegativesSettings(Config):
    """What every kind of negatives shares."""

    mask_known_positives: bool = Field(
        default=True,
        description="Whether a query's other training positives are kept out of its negatives.",
    )


def draw_probabilities(item_counts_N: IntArray, power: float = 1.0) -> DoubleArray:
    """Probability of each item proportional to its training count to the given power.

    Raises BadData when nothing was counted.
    """
    weight_N = np.where(item_counts_N > 0, item_counts_N.astype(np.float64) ** power, 0.0)
    total = weight_N.sum()
    if total == 0:
        raise BadData("no training interaction counts for any item, so negatives cannot be drawn by popularity")
    q_N: DoubleArray = weight_N / total
    return q_N


def merge_pool(target_rows_P: IntArray, drawn_rows: IntArray, q_N: DoubleArray | None) -> Pool:
    """The targets and the drawn items as one pool of distinct items; `q_N` holds the draw probabilities."""
    item_rows_M = np.union1d(target_rows_P, drawn_rows)
    draws_M = np.bincount(np.searchsorted(item_rows_M, drawn_rows), minlength=len(item_rows_M))
    logq_M = None
    if q_N is not None:
        floor = np.finfo(np.float32).tiny  # a target that no draw can produce still needs a finite logarithm
        logq_M = np.log(np.maximum(q_N[item_rows_M], floor)).astype(np.float32)
    return Pool(item_rows_M.astype(np.int64), draws_M.astype(np.int64), logq_M)


def mixture(q_N: DoubleArray, p_N: DoubleArray, n_q: int, n_p: int) -> DoubleArray:
    """Probability of a draw when `n_q` of `n_q + n_p` draws follow `q_N` and the others `p_N`."""
    mixed_N: DoubleArray = (n_q * q_N + n_p * p_N) / (n_q + n_p)
    return mixed_N


def with_certain(pool: Pool, rows: IntArray) -> Pool:
    """The pool with items that are there for certain, not by a draw: each counts as one negative.

    What no draw gave had no probability of one. In the units of a draw it is 1 / (number of draws), so that a logQ
    correction treats an item expected n times among them as n items, and this one as one.
    """
    item_rows_M = np.union1d(pool.item_rows_M, rows)
    place_M = np.searchsorted(item_rows_M, pool.item_rows_M)
    draws_M = np.zeros(len(item_rows_M), dtype=np.int64)
    draws_M[place_M] = pool.draws_M
    certain_M = np.isin(item_rows_M, rows) & (draws_M == 0)
    logq_M = None
    if pool.logq_M is not None:
        logq_M = np.full(len(item_rows_M), -np.log(max(1, int(pool.draws_M.sum()))), dtype=np.float32)
        drawn_M = ~certain_M[place_M]
        logq_M[place_M[drawn_M]] = pool.logq_M[drawn_M]
    draws_M[certain_M] = 1
    return Pool(item_rows_M, draws_M, logq_M)
