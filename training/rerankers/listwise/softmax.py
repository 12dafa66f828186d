"""Listwise softmax: cross-entropy of the shares of the gains against a softmax over the list.

Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (ListNet, 2007), with the gains themselves
in the place of their softmax. Axes: Q queries, K items.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from bundle.config import Config


class ListwiseSoftmaxConfig(Config):
    """Cross-entropy over the whole list."""

    kind: Literal["softmax"] = "softmax"
    temperature: float = Field(default=1.0, gt=0, description="What scores are divided by.")

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """As `ListwiseLoss`."""
        gain_QK = gain_QK.masked_fill(~mask_QK, 0.0)
        total_Q = gain_QK.sum(dim=1)
        asked_Q = total_Q > 0
        if not asked_Q.any():
            return (score_QK * 0.0).sum()
        # Lists of padding alone are not asked, so every softmax below has an item.
        log_share_QK = (score_QK / self.temperature).masked_fill(~mask_QK, -torch.inf)[asked_Q].log_softmax(dim=1)
        share_QK = gain_QK[asked_Q] / total_Q[asked_Q, None]
        loss: Tensor = -(share_QK * log_share_QK.masked_fill(~mask_QK[asked_Q], 0.0)).sum(dim=1).mean()
        return loss
