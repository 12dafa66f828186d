"""Pointwise: every pair is a question of its own, relevant or not.

Nogueira and Cho, "Passage Re-ranking with BERT" (2019), section 3. Q queries, K candidates of each.
"""

from typing import Literal

from torch import Tensor

from bundle.config import Config
from training.rankers.losses import pointwise_loss


class PointwiseConfig(Config):
    """Binary cross-entropy of every pair; its scores are the only ones that are log-odds of being relevant."""

    kind: Literal["pointwise"] = "pointwise"

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """The mean over all real pairs; a gain above 0 is relevant, whatever its size."""
        return pointwise_loss(score_QK, gain_QK > 0, mask_QK)
