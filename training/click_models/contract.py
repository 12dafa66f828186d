"""What learns from clicks: a loss over shown lists, which may have weights of its own, such as propensities.

Letters: Q shown lists, K places of the longest, P places that lists have.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from bundle.config import Config
from training.click_models.log import ClickLog
from training.ragged import FloatArray


class ClickLoss(Protocol):
    """Maps scores of shown lists and their clicks to a loss, in float32 at least, without randomness.

    Every one is a `torch.nn.Module`; its own weights are trained with the scorer and never exported.
    """

    def __call__(self, score_QK: Tensor, click_QK: Tensor, mask_QK: Tensor, position_QK: Tensor) -> Tensor:
        """The scalar to descend.

        Clicks and mask are bool; positions int64, from 1, in any column order; what stands where the mask is False
        does not matter. A list without a click counts for nothing.
        """

    def to(self, device: torch.device) -> "ClickLoss":
        """It, with its weights on that device."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Its own weights."""

    def propensities(self) -> FloatArray:
        """How likely each place [P] is looked at, over the first place, as this loss takes it."""

    @property
    def max_weight(self) -> float:
        """The largest weight that a click can get."""


class ClickModelSettings(Config):
    """What every kind of click model can do."""

    @abstractmethod
    def build(self, log: ClickLog) -> ClickLoss:
        """The loss for the places of that log; raises BadData when the log lacks what it reads."""
