"""How sure a mean over queries is: bootstrap intervals, paired randomisation tests, Holm's correction.

Letters: Q queries, D queries with a difference, M metrics, R resamples, C resamples of a chunk, S sign patterns. What
is drawn depends on the seed and the number of queries alone. Intervals speak of other queries of the same kind, not of
another training.
"""

from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from bundle.config import Config
from evaluation.rankings import FloatArray

DRAWS_A_CHUNK = 4_000_000  # 32 MB, whatever the number of queries
MOST_ENUMERATED = 14  # queries: 16,384 sign patterns
_TINY = 1e-12
Alternative = Literal["two-sided", "less"]


class SignificanceConfig(Config):
    """How certainty is measured."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="Share of intervals that shall hold the truth.")
    method: Literal["bca", "percentile"] = Field(
        default="bca", description="Kind of bootstrap interval; 'bca' corrects for bias and skewness."
    )
    resamples: int = Field(default=5_000, ge=100, description="Resamples of the bootstrap.")
    permutations: int = Field(
        default=10_000, ge=100, description="Sign patterns that a test draws; up to 14 queries it takes all there are."
    )
    seed: int = Field(default=0, ge=0, description="Seed of what is drawn.")


DEFAULT_SIGNIFICANCE = SignificanceConfig()


class Estimate(Config):
    """A mean over queries and the interval around it; without an interval `why_none` says why."""

    mean: float = Field(description="Mean over the queries.")
    low: float | None = Field(default=None, description="Lower end of the interval.")
    high: float | None = Field(default=None, description="Upper end of the interval.")
    n_queries: int = Field(ge=1, description="Queries that the mean is over.")
    why_none: str | None = Field(default=None, description="Why there is no interval.")

    def interval(self, digits: int = 4, sign: str = "") -> str:
        """The interval for people, or why there is none."""
        if self.low is None or self.high is None:
            return f"no interval: {self.why_none}"
        return f"{self.low:{sign}z.{digits}f} to {self.high:{sign}z.{digits}f}"


def estimates(value_QM: ArrayLike, config: SignificanceConfig = DEFAULT_SIGNIFICANCE) -> list[Estimate]:
    """The mean of each column with its bootstrap interval; all columns are resampled together.

    Differences of two systems on the same queries make it the paired bootstrap. One query has no interval, and neither
    have values that are all equal, in which the bootstrap cannot see how they would vary.
    Efron and Tibshirani, 1993, An Introduction to the Bootstrap, chapters 13 and 14.
    """
    value_QM = np.asarray(value_QM, dtype=np.float64)
    n_queries = len(value_QM)
    varies_M = np.ptp(value_QM, axis=0) > _TINY
    bounds_2M = np.zeros((2, value_QM.shape[1]))
    if varies_M.any():
        bounds_2M[:, varies_M] = _bounds(value_QM[:, varies_M], config)
    why = "one query" if n_queries == 1 else "all values are equal"
    return [
        Estimate(mean=mean, low=low, high=high, n_queries=n_queries)
        if varies
        else Estimate(mean=mean, n_queries=n_queries, why_none=why)
        for mean, varies, low, high in zip(
            value_QM.mean(axis=0).tolist(), varies_M.tolist(), *bounds_2M.tolist(), strict=True
        )
    ]


def _bounds(value_QM: FloatArray, config: SignificanceConfig) -> FloatArray:
    """Lower and upper ends [2, M]."""
    mean_RM = np.concatenate(list(_resampled_means(value_QM, config)))
    tail = (1 - config.level) / 2
    if config.method == "percentile":
        return np.asarray(np.quantile(mean_RM, [tail, 1 - tail], axis=0))
    share_2M = _bca_shares(value_QM, mean_RM, tail)
    columns = [np.quantile(mean_RM[:, m], share_2M[:, m]) for m in range(value_QM.shape[1])]
    return np.stack(columns, axis=1)


def _resampled_means(value_QM: FloatArray, config: SignificanceConfig) -> Iterator[FloatArray]:
    rng = np.random.default_rng(config.seed)
    n_queries = len(value_QM)
    for n_chunk in _chunks(config.resamples, n_queries):
        drawn_CQ = rng.integers(0, n_queries, size=(n_chunk, n_queries))
        drawn_CQ += np.arange(n_chunk)[:, None] * n_queries
        count_CQ = np.bincount(drawn_CQ.ravel(), minlength=n_chunk * n_queries).reshape(n_chunk, n_queries)
        yield count_CQ @ value_QM / n_queries


def _bca_shares(value_QM: FloatArray, mean_RM: FloatArray, tail: float) -> FloatArray:
    """The quantiles [2, M] that bias and acceleration make of tail and 1 - tail (Efron, 1987, Better Bootstrap
    Confidence Intervals); the acceleration of a mean is its jackknife skewness in closed form.
    """
    deviation_QM = value_QM - value_QM.mean(axis=0)
    acceleration_M = (deviation_QM**3).sum(axis=0) / (6 * (deviation_QM**2).sum(axis=0) ** 1.5)
    observed_M, n_resamples = value_QM.mean(axis=0), len(mean_RM)
    below_M = (mean_RM < observed_M - _TINY).mean(axis=0) + (abs(mean_RM - observed_M) <= _TINY).mean(axis=0) / 2
    normal = NormalDist()
    shares = []
    for share, acceleration in zip(below_M.tolist(), acceleration_M.tolist(), strict=True):
        bias = normal.inv_cdf(min(max(share, 0.5 / n_resamples), 1 - 0.5 / n_resamples))
        ends = [bias + normal.inv_cdf(one) for one in (tail, 1 - tail)]
        shares.append([normal.cdf(bias + end / (1 - acceleration * end)) for end in ends])
    return np.array(shares).T


def randomisation_test(
    difference_QM: ArrayLike, config: SignificanceConfig = DEFAULT_SIGNIFICANCE, alternative: Alternative = "two-sided"
) -> list[float]:
    """How often a mean difference as large as each column's comes about when the sign of every query is chance.

    'two-sided' counts differences as far from 0, 'less' those as far below it. Up to MOST_ENUMERATED queries with a
    difference all sign patterns are counted; else p = (1 + as large) / (1 + drawn), which is never 0 (Phipson and
    Smyth, 2010, Permutation P-values Should Never Be Zero). The test is Fisher's; Smucker, Allan and Carterette, 2007,
    A Comparison of Statistical Significance Tests for Information Retrieval Evaluation, recommend it.
    """
    difference_QM = np.asarray(difference_QM, dtype=np.float64)
    differs_QM = abs(difference_QM) > _TINY
    is_few_M = differs_QM.sum(axis=0) <= MOST_ENUMERATED
    p_M = np.empty(len(is_few_M))
    for m in np.flatnonzero(is_few_M).tolist():
        column_D1 = difference_QM[differs_QM[:, m], m : m + 1]
        n_as_large_M, n_patterns = _count_as_large(column_D1, _all_signs(len(column_D1)), alternative)
        p_M[m] = n_as_large_M[0] / n_patterns
    if not is_few_M.all():
        drawn = _drawn_signs(len(difference_QM), config)
        n_as_large_M, n_patterns = _count_as_large(difference_QM[:, ~is_few_M], drawn, alternative)
        p_M[~is_few_M] = (1 + n_as_large_M) / (1 + n_patterns)
    p_values: list[float] = p_M.tolist()
    return p_values


def _count_as_large(
    difference_QM: FloatArray, patterns: Iterable[FloatArray], alternative: Alternative
) -> tuple[FloatArray, int]:
    """Sign patterns whose sum is as large as the observed one, by column, and all there were."""
    total_M = difference_QM.sum(axis=0)
    slack_M = _TINY * (1 + abs(difference_QM).sum(axis=0))
    n_as_large_M, n_patterns = np.zeros(difference_QM.shape[1]), 0
    for plus_SQ in patterns:
        sum_SM = 2 * (plus_SQ @ difference_QM) - total_M
        if alternative == "two-sided":
            n_as_large_M += (abs(sum_SM) >= abs(total_M) - slack_M).sum(axis=0)
        else:
            n_as_large_M += (sum_SM <= total_M + slack_M).sum(axis=0)
        n_patterns += len(plus_SQ)
    return n_as_large_M, n_patterns


def _all_signs(n_queries: int) -> Iterator[FloatArray]:
    yield (np.arange(2**n_queries)[:, None] >> np.arange(n_queries) & 1).astype(np.float64)


def _drawn_signs(n_queries: int, config: SignificanceConfig) -> Iterator[FloatArray]:
    rng = np.random.default_rng(config.seed)
    n_bytes = -(-n_queries // 8)
    for n_chunk in _chunks(config.permutations, n_queries):
        drawn = rng.integers(0, 256, size=(n_chunk, n_bytes), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1)[:, :n_queries].astype(np.float64)


def _chunks(total: int, width: int) -> Iterator[int]:
    size = max(1, DRAWS_A_CHUNK // width)
    for start in range(0, total, size):
        yield min(size, total - start)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values for several comparisons at once, so that the chance of any false finding stays below the level.

    Holm, 1979, A Simple Sequentially Rejective Multiple Test Procedure: the i-th smallest of m times m - i + 1, never
    smaller than the one before it, at most 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    result: list[float] = corrected.tolist()
    return result
