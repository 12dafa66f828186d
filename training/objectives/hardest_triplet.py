"""Hardest triplet: a margin between an anchor's targets and its highest scoring negative, in both directions.

Axes: A anchors of one direction, O items or queries that an anchor is compared with, D embedding.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings
from training.objectives.triplet_alignment import triplet_loss


class HardestTripletConfig(ObjectiveSettings):
    """The loss that triplet alignment softens; one wrong negative decides its gradient."""

    no_logq: ClassVar[str] = "holds a margin to the hardest negative and is no sampled softmax"
    kind: Literal["hardest_triplet"] = "hardest_triplet"
    margin: float = Field(default=0.1, ge=0, description="How far targets should be above negatives, in scores.")
    temperature: float = Field(
        default=0.015, gt=0, description="Decides how much the best of several targets leads; idle with one target."
    )

    def build(self, dimension: int) -> "HardestTriplet":
        """The objective; `dimension` does not matter."""
        return HardestTriplet(self.margin, self.temperature)


@dataclass(frozen=True)
class HardestTriplet:
    """`triplet_loss` with the maximum over negatives (TRL of RDE, CVPR 2024; VSE++, 2018)."""

    margin: float
    temperature: float

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        return triplet_loss(batch, self.margin, self.temperature, _maximum)


def _maximum(anchor_AD: Tensor, other_OD: Tensor, shift_O: Tensor, negative_AO: Tensor) -> Tensor:
    """Score of the hardest negative, -inf for an anchor without one; how often a negative counts does not matter."""
    with torch.no_grad():
        allowed_AO = negative_AO & (shift_O != -torch.inf)
        top_A, hardest_A = (anchor_AD @ other_OD.T).masked_fill_(~allowed_AO, -torch.inf).max(1)
    score_A = (anchor_AD * embedding(hardest_A, other_OD)).sum(1)
    return score_A.masked_fill(top_A == -torch.inf, -torch.inf)
