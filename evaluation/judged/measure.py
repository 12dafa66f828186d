"""Ranking measures that are sums over pairs, which is what labels drawn pair by pair can correct.

N pairs.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import UnknownMetric
from evaluation.judged.pairs import FloatArray, IntArray
from evaluation.metrics import Relevance

SumKind = Literal["dcg", "precision", "hits"]
Kind = Literal["dcg", "precision", "hits", "recall"]
GRADES_AS_THEY_ARE = Relevance()
KINDS: tuple[Kind, ...] = ("dcg", "precision", "hits", "recall")


@dataclass(frozen=True)
class JudgedMeasure:
    """`kind`@`k`. dcg sums gains over log2(rank + 1), the others count relevant items.

    recall is the relevant items found over those of the pool, of all queries together; it takes a pool that reaches
    beyond k.
    """

    kind: Kind
    k: int
    relevance: Relevance = GRADES_AS_THEY_ARE

    @classmethod
    def parse(cls, name: str, relevance: Relevance = GRADES_AS_THEY_ARE) -> "JudgedMeasure":
        """The measure that a name such as 'dcg@10' means; raises UnknownMetric."""
        text, _, depth = name.partition("@")
        kind = next((kind for kind in KINDS if kind == text), None)
        if kind is None or not depth.isdecimal() or int(depth) < 1:
            known = ", ".join(f"{kind}@k" for kind in KINDS)
            raise UnknownMetric(
                f"'{name}' cannot be corrected pair by pair; take one of {known}. A mean of ratios such as nDCG is no "
                "sum over pairs: compare two runs by dcg@k instead",
                metric=name,
            )
        return cls(kind, int(depth), relevance)

    def weights(self, rank_N: IntArray) -> FloatArray:
        """How much each pair's gain counts [N] in its query's sum; see `rank_weights`."""
        return rank_weights("hits" if self.kind == "recall" else self.kind, self.k, rank_N)

    def gains(self, grade_N: FloatArray) -> FloatArray:
        """The gain of each grade; NaN stays NaN."""
        if self.kind != "dcg":
            return np.where(np.isnan(grade_N), np.nan, (grade_N > self.relevance.above).astype(np.float64))
        unknown_N = np.isnan(grade_N)
        return np.where(unknown_N, np.nan, self.relevance.gains(np.where(unknown_N, 0, grade_N)))


def rank_weights(kind: SumKind, k: int, rank_N: IntArray) -> FloatArray:
    """Weights [N] of pairs at these ranks (from 1; 0 for a pair that the ranking does not hold).

    dcg: 1 / log2(rank + 1). precision: 1 / k. hits: 1. All are 0 beyond rank k.
    """
    inside_N = (rank_N >= 1) & (rank_N <= k)
    if kind == "dcg":
        return np.where(inside_N, 1 / np.log2(np.maximum(rank_N, 1) + 1.0), 0.0)
    return np.where(inside_N, 1.0 / k if kind == "precision" else 1.0, 0.0)
