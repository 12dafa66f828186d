"""What a method gains over another on the same queries, and how sure that is. Q queries, S resamples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.exam import Sheet

_RESAMPLES = 10_000
MarkArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over queries and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def marks_by_query(sheet: Sheet, name: str) -> MarkArray:
    """One measure of every query of an exam."""
    return np.array([sheet.marks(np.array([query], dtype=np.int64))[name] for query in range(len(sheet.exam))])


def interval(mark_Q: MarkArray, seed: int = 0) -> Interval:
    """2.5th and 97.5th percentile of the mean over queries drawn with replacement."""
    drawn_SQ = np.random.default_rng(seed).integers(0, len(mark_Q), (_RESAMPLES, len(mark_Q)))
    low, high = np.percentile(mark_Q[drawn_SQ].mean(1), [2.5, 97.5])
    return Interval(float(mark_Q.mean()), float(low), float(high))


def randomisation_p(gain_Q: MarkArray, seed: int = 0) -> float:
    """Two-sided p of the paired randomisation test: how often a mean gain is as large with the signs drawn anew."""
    if not gain_Q.any():
        return 1.0
    test = stats.permutation_test(
        (gain_Q,), np.mean, permutation_type="samples", n_resamples=_RESAMPLES, rng=np.random.default_rng(seed)
    )
    return float(test.pvalue)
