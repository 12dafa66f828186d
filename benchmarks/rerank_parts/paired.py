"""What a method gains over another on the same queries, and how sure that is. Q queries."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.exam import Sheet
from evaluation.significance import Estimate, SignificanceConfig, estimates, randomisation_test

MarkArray = NDArray[np.float64]
_HOW = SignificanceConfig(method="percentile", resamples=10_000)


def marks_by_query(sheet: Sheet, name: str) -> MarkArray:
    """One measure of every query of an exam."""
    return np.array([sheet.marks(np.array([query], dtype=np.int64))[name] for query in range(len(sheet.exam))])


def measures(mark_Q: MarkArray, name: str) -> dict[str, float]:
    """The mean over the queries, and both ends of its 95 % bootstrap interval where there is one."""
    (found,) = estimates(mark_Q[:, None], _HOW)
    return {name: found.mean, **_ends(found, name)}


def gain_measures(gain_Q: MarkArray) -> dict[str, float]:
    """The mean gain with its interval, and the two-sided p of the paired randomisation test."""
    return {**measures(gain_Q, "gain"), "p": randomisation_test(gain_Q[:, None], _HOW)[0]}


def _ends(found: Estimate, name: str) -> dict[str, float]:
    return {} if found.low is None or found.high is None else {f"{name} low": found.low, f"{name} high": found.high}
