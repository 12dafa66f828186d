"""Pairs of a query and an item that cheap judges scored, some of them labelled by people.

N pairs, Q queries, J judges, C covariates.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import NotDrawnFromHere, TooFewLabels

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
LEAST_GOLD = 20
ENOUGH_GOLD = 200
"""Labels from which on intervals hold about as often as they say; with fewer they tend to be too narrow."""
_MOST_ERRORS_OFF = 4.5  # a right draw goes beyond it about once in 50,000 times, simulated
FOLDS = 5
"""Parts of the queries that the correction of each is learned without."""


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

    def with_gains(self, gains: Callable[[FloatArray], FloatArray]) -> "JudgedPairs":
        """These pairs with gains in place of the grades that `gold_N` held."""
        return replace(self, gold_N=gains(self.gold_N))

    def check_labels(self) -> None:
        """Raise TooFewLabels where no interval can be given.

        It takes two queries, LEAST_GOLD labels, and labels of FOLDS queries: the correction is learned on some queries
        for others.
        """
        if self.n_queries < 2:
            raise TooFewLabels(f"{self.n_queries} query gives no interval; judge at least 2, better 50", queries=1)
        n_gold, labelled = int(self.is_gold_N.sum()), len(np.unique(self.query_N[self.is_gold_N]))
        if n_gold < LEAST_GOLD:
            raise TooFewLabels(
                f"{n_gold} gold labels are too few to correct the judges; label at least {LEAST_GOLD} pairs that were "
                "drawn with known probabilities",
                gold=n_gold,
            )
        if labelled < FOLDS:
            raise TooFewLabels(
                f"the gold labels are of {labelled} queries; the correction is learned on some queries for others, so "
                f"label pairs of at least {FOLDS}",
                queries=labelled,
            )

    def check_chances(self, weight_N: FloatArray) -> None:
        """Raise NotDrawnFromHere where the labels cannot have been drawn from these pairs by their probabilities.

        Labelled pairs over their chances must add up to all pairs, give or take the error of the draw; weights stand
        beside them because chances follow weights, which keeps that error small. Labels of a shallower or of another
        run add up to less, those of two draws put together to more.
        """
        is_gold_N = self.is_gold_N
        size_N, chance_N = np.abs(weight_N[is_gold_N]), self.probability_N[is_gold_N]
        there, found = float(np.abs(weight_N).sum()), float((size_N / chance_N).sum())
        # Scaled to all pairs, so that a draw that happens to be small does not also make its error look small.
        variance = float(((size_N / chance_N) ** 2 * (1 - chance_N)).sum()) * there / max(found, 1e-12)
        if abs(found - there) > _MOST_ERRORS_OFF * variance**0.5 + 1e-6 * there:
            raise NotDrawnFromHere(
                f"by their probabilities the labels stand for {found / there:.0%} of what is measured, which no draw "
                "from these pairs gives; keep `probability` as `tandem labels draw` wrote it, label every drawn pair, "
                "draw with the same --run, --against, --measure and --votes, and do not join the tables of two draws"
            )
