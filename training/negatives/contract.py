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
from training.ragged import BoolArray, FloatArray, IntArray

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Distinct items, ascending, with how often each was drawn as a negative.

    Every target of the batch is in the pool; one that no draw produced has 0 draws. `q_N` is the probability of each
    item of the catalogue in one draw, None where all are equally likely or all are there. `certain_M` marks items that
    no draw gave, but somebody chose: see `with_certain`; None for none.
    """

    item_rows_M: IntArray
    draws_M: IntArray
    q_N: DoubleArray | None
    certain_M: BoolArray | None = None

    @property
    def logq_M(self) -> FloatArray | None:
        """Log probability of each item of the pool in one draw."""
        if self.q_N is None:
            return None
        floor = np.finfo(np.float32).tiny  # an item that no draw can produce still needs a finite logarithm
        return np.log(np.maximum(self.q_N[self.item_rows_M], floor)).astype(np.float32)


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
    weight_N = np.where(item_counts_N > 0, np.maximum(item_counts_N, 1).astype(np.float64) ** power, 0.0)
    total = weight_N.sum()
    if total == 0:
        raise BadData("no training interaction counts for any item, so negatives cannot be drawn by popularity")
    q_N: DoubleArray = weight_N / total
    return q_N


def merge_pool(target_rows_P: IntArray, drawn_rows: IntArray, q_N: DoubleArray | None) -> Pool:
    """The targets and the drawn items as one pool of distinct items; `q_N` holds the draw probabilities."""
    item_rows_M = np.union1d(target_rows_P, drawn_rows)
    draws_M = np.bincount(np.searchsorted(item_rows_M, drawn_rows), minlength=len(item_rows_M))
    return Pool(item_rows_M.astype(np.int64), draws_M.astype(np.int64), q_N)


def mixture(q_N: DoubleArray, p_N: DoubleArray, n_q: int, n_p: int) -> DoubleArray:
    """Probability of a draw when `n_q` of `n_q + n_p` draws follow `q_N` and the others `p_N`."""
    mixed_N: DoubleArray = (n_q * q_N + n_p * p_N) / (n_q + n_p)
    return mixed_N


def with_certain(pool: Pool, rows: IntArray) -> Pool:
    """The pool with items that are there for certain, not by a draw: each counts as one negative.

    An item that a draw gave too counts by its draws alone. The probabilities stay those of a draw, which a target is
    corrected by; what a certain item weighs as a negative, the objective says.
    """
    item_rows_M = np.union1d(pool.item_rows_M, rows)
    place_M = np.searchsorted(item_rows_M, pool.item_rows_M)
    draws_M = np.zeros(len(item_rows_M), dtype=np.int64)
    draws_M[place_M] = pool.draws_M
    certain_M = np.isin(item_rows_M, rows) & (draws_M == 0)
    draws_M[certain_M] = 1
    return Pool(item_rows_M, draws_M, pool.q_N, certain_M)
