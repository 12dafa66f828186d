"""Clicks weighted by the inverse of known propensities.

Joachims, Swaminathan and Schnabel, "Unbiased Learning-to-Rank with Biased Feedback" (WSDM 2017), section 4.
Letters: Q shown lists, K places of the longest, P places that lists have.
"""

from typing import Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from training.click_models.contract import ClickModelSettings
from training.click_models.listwise import weighted_listwise_loss
from training.click_models.log import ClickLog
from training.errors import BadData
from training.ragged import FloatArray


class IpwConfig(ClickModelSettings):
    """Inverse propensity weighting: the propensities come from an experiment, and are not learned."""

    kind: Literal["ipw"] = "ipw"
    propensities: tuple[float, ...] | None = Field(
        default=None,
        min_length=1,
        description="How likely each place from the first on is looked at; unset for the log's column `propensity`.",
    )
    max_weight: float = Field(
        default=100.0, ge=1, description="Largest weight of a click, where one at the first place weighs 1."
    )
    self_normalised: bool = Field(
        default=True, description="Divide by the sum of a batch's weights, not by its lists; a little bias, less noise."
    )

    @field_validator("propensities")
    @classmethod
    def _are_probabilities(cls, values: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if values is not None and not all(0 < value <= 1 for value in values):
            raise ValueError("propensities are above 0 and at most 1")
        return values

    def build(self, log: ClickLog) -> "IpwLoss":
        """The loss; raises BadData when propensities are missing for places of the log."""
        if self.propensities is None:
            return IpwLoss(log.place_propensities(), self.max_weight, self_normalised=self.self_normalised)
        if len(self.propensities) < log.n_places:
            raise BadData(
                f"click_model.propensities has {len(self.propensities)} places, but the click log shows items at place "
                f"{log.n_places}; give one propensity for every place"
            )
        given_P = np.array(self.propensities, dtype=np.float32)
        return IpwLoss(given_P / given_P[0], self.max_weight, self_normalised=self.self_normalised)


class IpwLoss(nn.Module):
    """Implements ClickLoss; `propensity_P` is relative to the first place."""

    weight_P: Tensor

    def __init__(self, propensity_P: FloatArray, max_weight: float, *, self_normalised: bool = True) -> None:
        super().__init__()
        self._propensity_P = propensity_P
        self._self_normalised = self_normalised
        self.max_weight = max_weight
        self.register_buffer("weight_P", torch.from_numpy(1 / propensity_P).clamp(max=max_weight))

    def forward(self, score_QK: Tensor, click_QK: Tensor, mask_QK: Tensor, position_QK: Tensor) -> Tensor:
        """Minus the log probability of the clicks, each times the weight of its place."""
        weight_QK = click_QK * self.weight_P[(position_QK - 1).clamp_min(0)]
        return weighted_listwise_loss(score_QK, weight_QK, mask_QK, self_normalised=self._self_normalised)

    def propensities(self) -> FloatArray:
        """The given ones."""
        return self._propensity_P
