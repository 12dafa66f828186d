"""The dual learning algorithm: propensities and relevance learned from the same clicks, each weighting the other.

Ai et al., "Unbiased Learning to Rank with Unbiased Propensity Estimation" (SIGIR 2018), section 4. A click is taken as
"looked at, and relevant", the two independent. A position-only softmax g learns what is looked at from clicks weighted
by inverse relevance, the scorer s what is relevant from clicks weighted by inverse propensity. Both weights are without
a gradient: else each would lower its loss by making the other's weights small, and neither would learn what it stands
for. Letters: Q shown lists, K places of the longest, P places that lists have.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from training.click_models.contract import ClickModelSettings
from training.click_models.listwise import inverse_weights, list_log_softmax, weighted_listwise_loss
from training.click_models.log import ClickLog
from training.ragged import FloatArray


class DlaConfig(ClickModelSettings):
    """Dual learning: no experiment is needed, but the same item must have been shown at different places."""

    kind: Literal["dla"] = "dla"
    max_weight: float = Field(
        default=100.0, ge=1, description="Largest weight of a click, where one at the first place weighs 1."
    )

    def build(self, log: ClickLog) -> "DualLearningLoss":
        """The loss, with every place as likely looked at as the first."""
        return DualLearningLoss(log.n_places, self.max_weight)


class DualLearningLoss(nn.Module):
    """Implements ClickLoss; `examination_P` are the logits of the propensities."""

    def __init__(self, n_places: int, max_weight: float) -> None:
        super().__init__()
        self.max_weight = max_weight
        self.examination_P = nn.Parameter(torch.zeros(n_places))

    def forward(self, score_QK: Tensor, click_QK: Tensor, mask_QK: Tensor, position_QK: Tensor) -> Tensor:
        """The sum of the two losses: the gradient of each reaches its own model alone.

        Weights count from the first place of all, and from the first place that a list shows.
        """
        examination_QK = self.examination_P[(position_QK - 1).clamp_min(0)]
        propensity_weight_QK = inverse_weights(examination_QK, self.examination_P[:1, None], self.max_weight)
        relevance_QK = list_log_softmax(score_QK, mask_QK)
        first_Q1 = position_QK.masked_fill(~mask_QK, torch.iinfo(torch.int64).max).argmin(1, keepdim=True)
        relevance_weight_QK = inverse_weights(relevance_QK, relevance_QK.gather(1, first_Q1), self.max_weight)
        ranking = weighted_listwise_loss(score_QK, click_QK * propensity_weight_QK, mask_QK)
        propensity = weighted_listwise_loss(examination_QK, click_QK * relevance_weight_QK, mask_QK)
        return ranking + propensity

    def propensities(self) -> FloatArray:
        """The learned ones."""
        relative_P: FloatArray = (self.examination_P - self.examination_P[0]).detach().exp().cpu().numpy()
        return relative_P
