"""A dense score as a first guess at the cross-encoder's, by one straight line for all queries.

N corpus, Q anchor queries.
"""

import numpy as np
from pydantic import Field

from bundle.config import Config
from index.cur.anncur import Scores


class DensePrior(Config):
    """The line from dense scores to cross-encoder scores."""

    slope: float = Field(description="Cross-encoder score for one unit of dense score.")
    intercept: float = Field(description="Cross-encoder score where the dense score is 0.")

    @classmethod
    def fit(cls, dense_NQ: Scores, score_NQ: Scores) -> "DensePrior":
        """The line of least squares; dense scores that are all the same give a slope of 0."""
        dense_mean, score_mean = float(dense_NQ.mean()), float(score_NQ.mean())
        variance = float(np.square(dense_NQ - dense_mean).mean())
        covariance = float(((dense_NQ - dense_mean) * (score_NQ - score_mean)).mean())
        slope = covariance / variance if variance > 0 else 0.0
        return cls(slope=slope, intercept=score_mean - slope * dense_mean)

    def __call__(self, dense: Scores) -> Scores:
        """Guesses at the cross-encoder's scores."""
        guess: Scores = self.slope * dense + self.intercept
        return guess
