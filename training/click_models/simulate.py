"""Simulated clicks over real grades, by the position-based model: somebody clicks what is looked at and relevant.

The two are independent, and whether a place is looked at depends on the place alone (Craswell et al., "An Experimental
Comparison of Click Position-Bias Models", WSDM 2008). Letters: Q queries, C graded candidates of each, S shown lists,
K places, P places that lists have.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from bundle.config import Config
from training.click_models.log import ClickLog
from training.errors import BadData
from training.ragged import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class GradedLists:
    """What may be shown: grades 0 to `max_grade`, the scores of the ranker that shows it, False where padded."""

    grade_QC: FloatArray
    score_QC: FloatArray
    mask_QC: BoolArray
    max_grade: float

    def __post_init__(self) -> None:
        """Raise BadData for a grade outside the scale, and for a query without a candidate."""
        grade_V = self.grade_QC[self.mask_QC]
        if not ((grade_V >= 0) & (grade_V <= self.max_grade)).all():
            raise BadData(
                f"grades go from {grade_V.min():g} to {grade_V.max():g}; the scale is 0 to {self.max_grade:g}"
            )
        if not self.mask_QC.any(1).all():
            raise BadData(f"query {int(np.argmin(self.mask_QC.any(1)))} has no candidate to show")

    def take(self, rows: IntArray) -> "GradedLists":
        """Those queries alone."""
        return GradedLists(self.grade_QC[rows], self.score_QC[rows], self.mask_QC[rows], self.max_grade)


class ClickSimulation(Config):
    """How people look and click, and how much the ranker that is logged varies what it shows."""

    eta: float = Field(default=1.0, ge=0, description="Place p is looked at with probability (1/p)^eta.")
    noise: float = Field(
        default=0.1, ge=0, lt=1, description="Probability that an item of grade 0 is clicked when seen."
    )
    places: int = Field(default=10, ge=2, description="Items shown at most.")
    swap_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the places whose item changes places with a random one of the list, drawn for each list; "
        "0 for a ranker that always shows the same order.",
    )

    def propensities(self) -> FloatArray:
        """The probability [P] that each place is looked at; the first has 1."""
        return (1 / np.arange(1, self.places + 1, dtype=np.float32) ** np.float32(self.eta)).astype(np.float32)

    def relevance(self, grade: FloatArray, max_grade: float) -> FloatArray:
        """The probability of a click on an item that is looked at: noise + (1 - noise) (2^g - 1) / (2^max - 1)."""
        share = (2**grade - 1) / (2**max_grade - 1)
        return (self.noise + (1 - self.noise) * share).astype(np.float32)


def simulate(lists: GradedLists, config: ClickSimulation, n_lists: int, rng: np.random.Generator) -> ClickLog:
    """Show and click `n_lists` lists of queries drawn evenly; the log has the true propensities and grades.

    A pair's number is query * C + candidate.
    """
    n_queries, n_candidates = lists.grade_QC.shape
    query_S = rng.integers(0, n_queries, n_lists)
    places = min(config.places, n_candidates)
    ranked_QC = np.argsort(-np.where(lists.mask_QC, lists.score_QC, -np.inf), axis=1, kind="stable")
    length_S = np.minimum(lists.mask_QC.sum(1), places)[query_S]
    shown_SK = _swapped(ranked_QC[query_S, :places], length_S, config.swap_share, rng)
    mask_SK = np.arange(places) < length_S[:, None]
    grade_SK = np.where(mask_SK, lists.grade_QC[query_S[:, None], shown_SK], 0).astype(np.float32)
    propensity_SK = np.where(mask_SK, config.propensities()[:places], 0).astype(np.float32)
    seen_SK = rng.random(mask_SK.shape) < propensity_SK
    click_SK = seen_SK & (rng.random(mask_SK.shape) < config.relevance(grade_SK, lists.max_grade))
    return ClickLog(
        pair_QK=np.where(mask_SK, query_S[:, None] * n_candidates + shown_SK, 0),
        click_QK=click_SK,
        mask_QK=mask_SK,
        position_QK=np.where(mask_SK, np.arange(1, places + 1), 0).astype(np.int64),
        n_pairs=n_queries * n_candidates,
        propensity_QK=propensity_SK,
        grade_QK=grade_SK,
    )


def _swapped(shown_SK: IntArray, length_S: IntArray, share: float, rng: np.random.Generator) -> IntArray:
    """Each place of each list, with probability `share`, changes its item with a random place of the list."""
    shown_SK = shown_SK.copy()
    if share == 0:
        return shown_SK
    for place in range(shown_SK.shape[1]):
        row_B = np.flatnonzero((rng.random(len(shown_SK)) < share) & (place < length_S))
        other_B = rng.integers(0, length_S[row_B])
        shown_SK[row_B, place], shown_SK[row_B, other_B] = shown_SK[row_B, other_B], shown_SK[row_B, place]
    return shown_SK
