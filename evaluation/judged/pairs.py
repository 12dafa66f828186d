"""Pairs of a query and an item that cheap judges scored, some of them labelled by people.

N pairs, Q queries, J judges, C covariates.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import TooFewLabels

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """What is known of the pairs whose gains make up a measure.

    `query_N`: query numbers from 0 to n_queries - 1. `vote_NJ`: what each judge says, NaN where it was not asked.
    `covariate_NC`: what else may foretell the gain. `gold_N`: the true gain, NaN where nobody looked.
    `probability_N`: with which probability each labelled pair was drawn, in (0, 1]; of the others it is not read.
    """

    n_queries: int
    query_N: IntArray
    vote_NJ: FloatArray
    covariate_NC: FloatArray
    gold_N: FloatArray
    probability_N: FloatArray

    def __post_init__(self) -> None:
        """ValueError where the arrays do not fit together or a probability is none."""
        lengths = {
            len(values) for values in (self.query_N, self.vote_NJ, self.covariate_NC, self.gold_N, self.probability_N)
        }
        if len(lengths) != 1:
            raise ValueError(f"the arrays of judged pairs have different lengths: {sorted(lengths)}")
        if not ((self.probability_N > 0) & (self.probability_N <= 1)).all():
            raise ValueError("a pair's probability of being labelled must be above 0 and at most 1")

    @property
    def is_gold_N(self) -> BoolArray:
        """Which pairs people looked at."""
        return ~np.isnan(self.gold_N)

    def labelled(self, gain_N: FloatArray, drawn_N: BoolArray, probability_N: FloatArray) -> "JudgedPairs":
        """These pairs with the gains of those that were drawn, each with its probability."""
        return replace(self, gold_N=np.where(drawn_N, gain_N, np.nan), probability_N=probability_N)

    def check(self, least_gold: int) -> None:
        """Raise TooFewLabels where no interval can be given: under two queries, or under `least_gold` labels."""
        if self.n_queries < 2:
            raise TooFewLabels(
                f"{self.n_queries} query gives no interval; judge at least 2, better 50", queries=self.n_queries
            )
        n_gold = int(self.is_gold_N.sum())
        if n_gold < least_gold:
            raise TooFewLabels(
                f"{n_gold} gold labels are too few to correct the judges; label at least {least_gold} pairs that were "
                "drawn with known probabilities",
                gold=n_gold,
            )
