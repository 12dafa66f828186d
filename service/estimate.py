"""A mean over searches and how sure it is. B searches."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

NORMAL_95 = 1.96


@dataclass(frozen=True)
class Estimate:
    """Mean of a share over searches, with the ends of its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    n_searches: int


def estimate(shares: ArrayLike) -> Estimate:
    """The mean of shares, one a search, and its 95 % confidence interval; at least one is needed.

    Normal, by the spread among searches; where they all agree the spread says nothing, and the rule of three does:
    3 / n bounds a fault that n searches did not show (Hanley and Lippman-Hand, JAMA 1983).
    """
    share_B = np.asarray(shares, dtype=np.float64)
    n_searches = len(share_B)
    mean = float(share_B.mean())
    spread = float(share_B.std(ddof=1)) if n_searches > 1 else 0.0
    half = max(NORMAL_95 * spread / math.sqrt(n_searches), 3 / n_searches)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n_searches)
