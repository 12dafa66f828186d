"""What to worry about in a click log and in the propensities learned from it.

Letters: Q shown lists, K places of the longest, N pairs, P places that lists have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.click_models.contract import ClickLoss
from training.click_models.log import ClickLog
from training.finding import Finding
from training.ragged import IntArray

FEW_CLICKS = 100
FEW_MOVED = 0.01
RISE, SLACK = 0.1, 0.01

Code = Literal[
    "deterministic-logging",
    "no-repeated-pairs",
    "few-clicks",
    "propensities-not-decreasing",
    "propensities-at-the-clip",
]


@dataclass(frozen=True)
class ClickFinding(Finding):
    """A finding with a stable code."""

    code: Code


@dataclass(frozen=True)
class Movement:
    """Pairs that were shown more than once, and how many of them stood at more than one place."""

    repeated: int
    moved: int

    @property
    def share(self) -> float:
        """The share of the repeated pairs that moved; 0 without any."""
        return self.moved / self.repeated if self.repeated else 0.0


def movement(log: ClickLog) -> Movement:
    """How far the log tells position from relevance: the same item for the same query must stand at several places."""
    pair_V, place_V = log.pair_QK[log.mask_QK], log.position_QK[log.mask_QK]
    shown_N = np.bincount(pair_V, minlength=log.n_pairs)
    least_N = np.full(log.n_pairs, np.iinfo(np.int64).max)
    most_N = np.zeros(log.n_pairs, dtype=np.int64)
    np.minimum.at(least_N, pair_V, place_V)
    np.maximum.at(most_N, pair_V, place_V)
    repeated_N = shown_N > 1
    return Movement(int(repeated_N.sum()), int((repeated_N & (most_N > least_N)).sum()))


def findings(log: ClickLog, loss: ClickLoss | None = None) -> list[ClickFinding]:
    """All findings on a log, and on the propensities of the loss that was trained on it, the gravest first."""
    found = [*_movement(log), *_clicks(log)]
    if loss is None:
        return found
    learned = _shape(loss) if list(loss.parameters()) else ()
    return [*found, *learned, *_clip(loss)]


def _movement(log: ClickLog) -> Iterator[ClickFinding]:
    moves = movement(log)
    if not moves.repeated:
        yield ClickFinding(
            "It cannot be told whether the order was ever varied",
            "No item was shown twice for the same query. If the order was always the ranker's own, learned "
            "propensities cannot be relied on. Give a repeated query the same query_id.",
            "no-repeated-pairs",
        )
    elif moves.share < FEW_MOVED:
        yield ClickFinding(
            "The order was never varied",
            f"Of {moves.repeated:,} items shown more than once for a query, {moves.moved:,} stood at more than one "
            "place. Then position and relevance are told apart by what features say across queries, or not at all: do "
            "not rely on the learned propensities. Swap items at random in a part of the lists, and log again.",
            "deterministic-logging",
        )


def _clicks(log: ClickLog) -> Iterator[ClickFinding]:
    clicks_P = log.clicks_by_place()
    few = np.flatnonzero(clicks_P < FEW_CLICKS) + 1
    if len(few):
        yield ClickFinding(
            "Few clicks at some places",
            f"Place {_listed(few)} has fewer than {FEW_CLICKS} clicks (the fewest: {clicks_P.min():,}), so its "
            "propensity may be off by a tenth of itself and more. Log for longer, or show fewer places.",
            "few-clicks",
        )


def _shape(loss: ClickLoss) -> Iterator[ClickFinding]:
    propensity_P = loss.propensities()
    rises = np.flatnonzero(propensity_P[1:] > propensity_P[:-1] * (1 + RISE) + SLACK) + 2
    if len(rises):
        yield ClickFinding(
            "Learned propensities do not fall from place to place",
            f"Place {_listed(rises)} is taken to be looked at more often than the place before it. In a list read from "
            "the top this means too few clicks, or an order that was not varied enough; in a grid it can be right.",
            "propensities-not-decreasing",
        )


def _clip(loss: ClickLoss) -> Iterator[ClickFinding]:
    propensity_P = loss.propensities()
    at = np.flatnonzero((propensity_P < 1) & (propensity_P * loss.max_weight <= 1)) + 1
    if len(at):
        yield ClickFinding(
            "Weights of clicks are cut",
            f"Clicks at place {_listed(at)} weigh max_weight = {loss.max_weight:g}, the most allowed, so what is "
            "shown there may count for too little. Raise max_weight if there are clicks enough, or show fewer places.",
            "propensities-at-the-clip",
        )


def _listed(places: IntArray) -> str:
    return ", ".join(map(str, places.tolist()))
