"""Pairs and lists at once: a positive and the hardest negative are judged alone too, beside the softmax of the list.

UniME-V2 (2025), section on its reranker: the language model's answers yes and no become log-odds of a score here, and
the position of the positive in a list becomes the softmax over the candidates, of which no place is special.
Q queries, K candidates of each.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from bundle.config import Config
from training.rankers.losses import at_least_float32, listwise_loss


class JointConfig(Config):
    """Softmax cross-entropy of the list, and binary cross-entropy of its positives and of its hardest negative."""

    kind: Literal["joint"] = "joint"
    pair_weight: float = Field(default=1.0, ge=0, description="What the pairs count beside the list.")

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """BCE(s_positive, 1), averaged over positives, + BCE(s_hardest, 0) + the list's cross-entropy.

        The hardest negative is the one that scores highest. A query without a positive or without a negative counts
        for nothing.
        """
        score_QK = at_least_float32(score_QK)
        positive_QK = (gain_QK > 0) & mask_QK
        negative_QK = (gain_QK <= 0) & mask_QK
        counts_Q = positive_QK.any(1) & negative_QK.any(1)
        hardest_Q = softplus(score_QK).masked_fill(~negative_QK, 0.0).amax(1)
        missed_Q = softplus(-score_QK).masked_fill(~positive_QK, 0.0).sum(1) / positive_QK.sum(1).clamp_min(1)
        pairs = (hardest_Q + missed_Q).masked_fill(~counts_Q, 0.0).sum() / counts_Q.sum().clamp_min(1)
        return listwise_loss(score_QK, positive_QK, mask_QK) + self.pair_weight * pairs
