"""Maximal marginal relevance: hits that are good and unlike those before them.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking" (SIGIR 1998): the next hit is the candidate with
the largest lambda x relevance - (1 - lambda) x similarity to the nearest hit already chosen.

C candidates of one query, K hits, D embedding.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from index.common_scale import min_max
from index.ranking import FloatArray, IntArray, Queries, Ranking
from index.second_stages.contract import Ordered, Runtime, SecondStageConfig
from index.second_stages.found import candidates, ordered


class Mmr(SecondStageConfig):
    """Maximal marginal relevance over the candidates, which a hit pays for by being like another."""

    kind: Literal["mmr"] = Field(description="Which reranking this is.")
    lambda_: float = Field(
        default=0.7,
        alias="lambda",
        ge=0,
        le=1,
        description="Weight of relevance, the first stage's score between 0 for the last candidate and 1 for the "
        "first; the rest is that of the likeness to a better hit, the cosine of the items' vectors, at least 0. 1 is "
        "the order of the first stage.",
    )

    @property
    def reads_texts(self) -> bool:
        """Whether a cross-encoder takes part."""
        return False

    @property
    def reads_vectors(self) -> bool:
        """Whether the vector of the query is needed."""
        return False

    def build(self, runtime: Runtime) -> "MmrStage":
        """The stage over the items of a role."""
        return MmrStage(self.lambda_, runtime)


class MmrStage:
    """Implements SecondStage. The score of a hit is its marginal relevance when it was chosen, which never rises."""

    def __init__(self, weight: float, runtime: Runtime) -> None:
        self._weight = weight
        self._vectors_ND = runtime.role.vectors_ND

    def order(self, queries: Queries, found: Ranking, k: int) -> Ordered:
        """As `SecondStage.order`; equal ones keep the order of the first stage."""
        best = []
        for b in range(len(queries)):
            one = candidates(queries, found, b, k)
            score_K, place_K = marginal(min_max(one.score_C), unit_rows(self._vectors_ND[one.row_C]), k, self._weight)
            best.append((score_K, one.row_C[place_K]))
        return ordered(best, k, found)


def marginal(relevance_C: FloatArray, unit_CD: FloatArray, k: int, weight: float) -> tuple[FloatArray, IntArray]:
    """Marginal relevance and places of the k candidates to choose, in the order of choosing; C x k x D steps.

    Likeness is at least 0: opposites are no more welcome than strangers. With that the values never rise.
    """
    n_hits = min(k, len(relevance_C))
    score_K, place_K = np.empty(n_hits, dtype=np.float32), np.empty(n_hits, dtype=np.int64)
    likeness_C = np.zeros(len(relevance_C), dtype=np.float32)  # to the nearest chosen one
    gain_C = np.float32(weight) * relevance_C
    for i in range(n_hits):
        value_C = gain_C - np.float32(1 - weight) * likeness_C
        place = int(np.argmax(value_C))
        score_K[i], place_K[i] = value_C[place], place
        gain_C[place] = -np.inf
        np.maximum(likeness_C, unit_CD @ unit_CD[place], out=likeness_C)
    return score_K, place_K


def unit_rows(vectors_CD: FloatArray) -> FloatArray:
    """The rows at unit length; zeros stay zeros."""
    norm_C1 = np.linalg.norm(vectors_CD, axis=1, keepdims=True)
    return (vectors_CD / np.where(norm_C1 > 0, norm_C1, 1)).astype(np.float32, copy=False)
