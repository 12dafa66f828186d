"""LambdaRank: every pair in the wrong order pushes as hard as nDCG would rise if the two were swapped.

Burges, "From RankNet to LambdaRank to LambdaMART: An Overview" (2010), sections 3 and 4. Axes: Q queries, K items,
P items that have a gain.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from bundle.config import Config


class LambdaRankConfig(Config):
    """Pairs weighed by what swapping them changes in nDCG."""

    kind: Literal["lambdarank"] = "lambdarank"
    k: int = Field(default=20, ge=1, description="Places that nDCG counts; a pair wholly below them weighs nothing.")
    steepness: float = Field(default=1.0, gt=0, description="What differences of scores are multiplied with.")

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """As `ListwiseLoss`. The sum over pairs i before j of |change of nDCG@k| * log(1 + exp(s_j - s_i)).

        The weights are those of the order that the scores give, and have no gradient; an item without gain is no i.
        """
        gain_QK = gain_QK.masked_fill(~mask_QK, 0.0)
        discount_QK = self._discounts(score_QK.detach().masked_fill(~mask_QK, -torch.inf))
        ideal_Q = _best_sum(gain_QK, self.k)
        asked_Q = ideal_Q > 0
        if not asked_Q.any():
            return (score_QK * 0.0).sum()
        query_P, place_P = torch.nonzero(gain_QK > 0, as_tuple=True)
        more_PK = (gain_QK[query_P, place_P, None] - gain_QK[query_P]).clamp(min=0)
        change_PK = more_PK * (discount_QK[query_P, place_P, None] - discount_QK[query_P]).abs()
        weight_PK = (change_PK / ideal_Q[query_P, None]).masked_fill(~mask_QK[query_P], 0.0)
        behind_PK = (score_QK[query_P] - score_QK[query_P, place_P, None]).masked_fill(~mask_QK[query_P], 0.0)
        loss: Tensor = (weight_PK * softplus(self.steepness * behind_PK)).sum() / asked_Q.sum()
        return loss

    def _discounts(self, score_QK: Tensor) -> Tensor:
        """1 / log2(1 + rank) of each item in the order of the scores, 0 beyond k."""
        rank_QK = score_QK.argsort(dim=1, descending=True, stable=True).argsort(dim=1) + 1
        discount_QK: Tensor = (1 / torch.log2(1.0 + rank_QK)).masked_fill(rank_QK > self.k, 0.0)
        return discount_QK


def _best_sum(gain_QK: Tensor, k: int) -> Tensor:
    """DCG@k of the best order of each list, [Q]."""
    best_QK = gain_QK.sort(dim=1, descending=True).values[:, :k]
    rank_K = torch.arange(1, best_QK.shape[1] + 1, device=gain_QK.device)
    ideal_Q: Tensor = (best_QK / torch.log2(1.0 + rank_K)).sum(dim=1)
    return ideal_Q
