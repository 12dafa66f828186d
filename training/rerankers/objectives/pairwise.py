"""Pairwise: of two candidates with different gains the better one should score higher.

Burges et al., "Learning to Rank using Gradient Descent" (ICML 2005), section 3. Q queries, K candidates of each.
"""

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from bundle.config import Config
from training.rankers.losses import at_least_float32


class PairwiseConfig(Config):
    """Logistic loss of every pair of candidates, the one with the larger gain against the other."""

    kind: Literal["pairwise"] = "pairwise"

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """log(1 + exp(s_worse - s_better)), averaged over a query's pairs, then over the queries that have one."""
        score_QK = at_least_float32(score_QK)
        margin_QKK = score_QK[:, :, None] - score_QK[:, None, :]
        better_QKK = gain_QK[:, :, None] > gain_QK[:, None, :]
        better_QKK = better_QKK & mask_QK[:, :, None] & mask_QK[:, None, :]
        count_Q = better_QKK.sum((1, 2))
        total_Q = softplus(-margin_QKK).masked_fill(~better_QKK, 0.0).sum((1, 2))
        return (total_Q / count_Q.clamp_min(1)).sum() / (count_Q > 0).sum().clamp_min(1)
