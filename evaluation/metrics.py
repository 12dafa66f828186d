"""Ranking metrics of judged rankings, a value for every query, as trec_eval defines them.

Letters: Q queries, V judged hits, J judgements.

An item without a grade counts as not relevant; `judged@k` says how many there are among the hits. A query with no
relevant item has nothing to find and counts as 0, as in trec_eval. Ties are settled before, where scores become a
ranking (`evaluation.rankings.Run`); `training.metrics` gives tied items their expected rank instead, and agrees with
this file where no scores are equal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import InvalidJudgements, UnknownMetric
from evaluation.rankings import FloatArray, IntArray, JudgedRankings

MOST_EXPONENT = 30
DEFAULT_METRICS = ("ndcg@10", "mrr@10", "map", "recall@10", "recall@100", "judged@10")


@dataclass(frozen=True)
class Relevance:
    """What a grade is worth.

    gain     nDCG's gain of a grade above 0: 'linear' takes the grade (trec_eval), 'exponential' 2^grade - 1
    above    the grade that an item must exceed to be relevant for all metrics but nDCG
    """

    gain: Literal["linear", "exponential"] = "linear"
    above: float = 0.0

    def gains(self, grades: FloatArray) -> FloatArray:
        """The gain of each grade; raises InvalidJudgements for grades that 2^grade - 1 makes absurd."""
        positive = np.maximum(grades, 0.0)
        if self.gain == "linear":
            return positive
        if positive.max(initial=0) > MOST_EXPONENT:
            raise InvalidJudgements(
                f"a grade is {positive.max():g}, but an answer is worth 2^grade - 1; give grades up to "
                f"{MOST_EXPONENT}, or take the linear gain"
            )
        return np.exp2(positive) - 1


TREC_RELEVANCE = Relevance()


@dataclass(frozen=True)
class Metric:
    """A kind of metric and how many hits count; all of them where `k` is None."""

    kind: str
    k: int | None = None

    @classmethod
    def parse(cls, name: str) -> "Metric":
        """The metric that a name such as 'ndcg@10' or 'map' means; raises UnknownMetric."""
        kind, at, depth = name.partition("@")
        if kind not in _KINDS or (at and not (depth.isdecimal() and int(depth) > 0)):
            kinds = ", ".join(_KINDS)
            raise UnknownMetric(f"'{name}' is no metric; take one of {kinds}, with @ and a number of hits, or without")
        return cls(kind, int(depth) if at else None)

    def __str__(self) -> str:
        return self.kind if self.k is None else f"{self.kind}@{self.k}"


def measure(
    judged: JudgedRankings, metrics: Sequence[Metric], relevance: Relevance = TREC_RELEVANCE
) -> dict[str, FloatArray]:
    """The values [Q] of each metric by its name.

    ndcg       gains / log2(place + 1), summed over the first k hits, divided by the same sum of the best order
               (Järvelin and Kekäläinen, 2002, Cumulated gain-based evaluation of IR techniques)
    map        precision at the place of each relevant hit, summed, divided by the number of relevant items
    mrr        1 / place of the first relevant hit
    recall     relevant hits / relevant items
    precision  relevant hits / k, or all hits where no k is given
    hit_rate   1 when there is a relevant hit
    judged     hits with a grade / hits; not a quality, but how far the others can be trusted

    Raises InvalidJudgements for a grade that is not finite.
    """
    if not np.isfinite(judged.grade_J).all():
        raise InvalidJudgements("a grade is not a finite number; give every judgement a number")
    view = _View(judged, relevance)
    return {str(metric): _KINDS[metric.kind](view, metric.k or int(np.iinfo(np.int64).max)) for metric in metrics}


class _View:
    """Judged rankings with what several metrics need of them."""

    def __init__(self, judged: JudgedRankings, relevance: Relevance) -> None:
        self.judged, self.relevance = judged, relevance
        is_relevant_V = judged.grade_V > relevance.above
        self.row_H, self.place_H = judged.row_V[is_relevant_V], judged.place_V[is_relevant_V]
        self.relevant_Q = self.count(judged.row_J[judged.grade_J > relevance.above])

    def count(self, rows: IntArray, weights: FloatArray | None = None) -> FloatArray:
        return np.bincount(rows, weights, minlength=len(self.judged)).astype(np.float64)

    def hits_Q(self, k: int) -> FloatArray:
        return self.count(self.row_H[self.place_H <= k])


def _ndcg(view: _View, k: int) -> FloatArray:
    judged = view.judged
    gain_V, gain_J = view.relevance.gains(judged.grade_V), view.relevance.gains(judged.grade_J)
    place_J = _number_in_row(judged.row_J)
    near_V, near_J = judged.place_V <= k, place_J <= k
    found_Q = view.count(judged.row_V[near_V], gain_V[near_V] / np.log2(judged.place_V[near_V] + 1))
    return _ratio(found_Q, view.count(judged.row_J[near_J], gain_J[near_J] / np.log2(place_J[near_J] + 1)))


def _map(view: _View, k: int) -> FloatArray:
    near_H = view.place_H <= k
    row_H, place_H = view.row_H[near_H], view.place_H[near_H]
    return _ratio(view.count(row_H, _number_in_row(row_H) / place_H), view.relevant_Q)


def _mrr(view: _View, k: int) -> FloatArray:
    first_Q = np.full(len(view.judged), np.inf)
    near_H = view.place_H <= k
    np.minimum.at(first_Q, view.row_H[near_H], view.place_H[near_H])
    return 1 / first_Q


def _recall(view: _View, k: int) -> FloatArray:
    return _ratio(view.hits_Q(k), view.relevant_Q)


def _precision(view: _View, k: int) -> FloatArray:
    is_cut = k < np.iinfo(np.int64).max
    returned_Q = view.judged.returned_Q
    return _ratio(view.hits_Q(k), np.full(len(returned_Q), k) if is_cut else returned_Q)


def _hit_rate(view: _View, k: int) -> FloatArray:
    return (view.hits_Q(k) > 0).astype(np.float64)


def _judged(view: _View, k: int) -> FloatArray:
    judged = view.judged
    return _ratio(view.count(judged.row_V[judged.place_V <= k]), np.minimum(judged.returned_Q, k))


def _number_in_row(row_J: IntArray) -> FloatArray:
    """1, 2, 3 .. within each run of equal rows."""
    is_first_J = np.ones(len(row_J), dtype=np.bool_)
    is_first_J[1:] = row_J[1:] != row_J[:-1]
    place_J = np.arange(len(row_J))
    return (place_J - np.maximum.accumulate(np.where(is_first_J, place_J, 0)) + 1).astype(np.float64)


def _ratio(part_Q: FloatArray, whole_Q: FloatArray | IntArray) -> FloatArray:
    return np.divide(part_Q, whole_Q, out=np.zeros(len(part_Q)), where=whole_Q > 0)


_KINDS: Mapping[str, Callable[[_View, int], FloatArray]] = {
    "ndcg": _ndcg,
    "map": _map,
    "mrr": _mrr,
    "recall": _recall,
    "precision": _precision,
    "hit_rate": _hit_rate,
    "judged": _judged,
}
