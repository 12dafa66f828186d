"""Listwise softmax: cross-entropy of the shares of the gains against a softmax over the list."""

from typing import Literal

from pydantic import Field
from torch import Tensor

from bundle.config import Config
from training.click_models.listwise import graded_listwise_loss


class ListwiseSoftmaxConfig(Config):
    """Cross-entropy over the whole list."""

    kind: Literal["softmax"] = "softmax"
    temperature: float = Field(default=1.0, gt=0, description="What scores are divided by.")

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """As `ListwiseLoss`."""
        return graded_listwise_loss(score_QK / self.temperature, gain_QK, mask_QK)
