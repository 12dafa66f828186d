"""Two scores of one item become one: that of its embedding and that of its words.

Scores of different kinds have no common scale, so either each is standardised or only the ranks count:

- `z_score`: the mean of the two z-scores. A z-score is the score less the mean of a query's pool, by the pool's
  standard deviation. Pool: the POOL best items by embedding and the POOL best by words, each with both scores.
- `weighted`: w times the z-score of the embedding and 1 - w times that of the words: the convex combination that Bruch,
  Gai and Ingber (2023, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 42) find better than ranks and
  learned from few queries.
- `reciprocal_rank`: 1 / (60 + rank) summed over the two rankings; where an item is not ranked it gets nothing (Cormack,
  Clarke and Buettcher, SIGIR 2009, "Reciprocal Rank Fusion").

Over a pool and not over the corpus, because most items share no word with a query: their zeros would make the
deviation, and with it the weight of the words, depend on the size of the catalogue.

C candidates of one query.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.common_scale import z_score

POOL = 100
RANK_CONSTANT = 60
UNRANKED = 0
FusionName = Literal["z_score", "weighted", "reciprocal_rank"]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What is known of one query's candidates; ranks count from 1, UNRANKED where a ranking does not hold the item."""

    row_C: IntArray
    dense_C: FloatArray
    lexical_C: FloatArray
    dense_rank_C: IntArray
    lexical_rank_C: IntArray


@dataclass(frozen=True)
class Fusion:
    """How the scores are joined; `dense_weight` is the w of `weighted`."""

    name: FusionName = "z_score"
    dense_weight: float = 0.5

    def scores(self, candidates: Candidates) -> FloatArray:
        """The joined score of every candidate, float32 [C]; larger is better."""
        if self.name == "reciprocal_rank":
            return _reciprocal(candidates.dense_rank_C) + _reciprocal(candidates.lexical_rank_C)
        weight = np.float32(self.dense_weight if self.name == "weighted" else 0.5)
        dense_C, lexical_C = z_scores(candidates)
        joined_C: FloatArray = weight * dense_C + (1 - weight) * lexical_C
        return joined_C


def z_scores(candidates: Candidates) -> tuple[FloatArray, FloatArray]:
    """The z-scores [C] by embedding and by words; 0 where all of the pool score alike."""
    dense_rank_C, lexical_rank_C = candidates.dense_rank_C, candidates.lexical_rank_C
    in_pool_C = _is_first(dense_rank_C) | _is_first(lexical_rank_C)
    return z_score(candidates.dense_C, in_pool_C), z_score(candidates.lexical_C, in_pool_C)


def best_first(score_C: FloatArray, row_C: IntArray, depth: int) -> IntArray:
    """Places of the `depth` best candidates, best first, equal scores in the order of their rows."""
    order: IntArray = np.lexsort((row_C, -score_C))
    return order[:depth]


def _is_first(rank_C: IntArray) -> NDArray[np.bool_]:
    is_first_C: NDArray[np.bool_] = (rank_C != UNRANKED) & (rank_C <= POOL)
    return is_first_C


def _reciprocal(rank_C: IntArray) -> FloatArray:
    return np.where(rank_C == UNRANKED, 0, 1 / (RANK_CONSTANT + rank_C)).astype(np.float32)
