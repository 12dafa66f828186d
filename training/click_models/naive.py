"""Clicks as if they were labels: what every click model is measured against.

Letters: Q shown lists, K places of the longest, P places that lists have.
"""

from typing import Literal

import numpy as np
from torch import Tensor, nn

from training.click_models.contract import ClickModelSettings
from training.click_models.listwise import weighted_listwise_loss
from training.click_models.log import ClickLog
from training.ragged import FloatArray


class NaiveConfig(ClickModelSettings):
    """Every click counts the same, wherever the item stood."""

    kind: Literal["naive"] = "naive"

    def build(self, log: ClickLog) -> "NaiveLoss":
        """The loss."""
        return NaiveLoss(log.n_places)


class NaiveLoss(nn.Module):
    """Implements ClickLoss without weights."""

    max_weight = 1.0

    def __init__(self, n_places: int) -> None:
        super().__init__()
        self._n_places = n_places

    def forward(self, score_QK: Tensor, click_QK: Tensor, mask_QK: Tensor, position_QK: Tensor) -> Tensor:
        """The mean of minus the log probability over the clicks; positions are not read."""
        return weighted_listwise_loss(score_QK, click_QK.float(), mask_QK)

    def propensities(self) -> FloatArray:
        """Every place as the first."""
        return np.ones(self._n_places, dtype=np.float32)
