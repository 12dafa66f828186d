"""Listwise: a query's candidates compete in one softmax.

Gao et al., "Rethink Training of BERT Rerankers in Multi-stage Retrieval Pipeline" (ECIR 2021), section 3.2: with
negatives from the first stage it is better than pairs alone. Q queries, K candidates of each.
"""

from typing import Literal

from torch import Tensor

from bundle.config import Config
from training.rankers.losses import listwise_loss


class ListwiseConfig(Config):
    """Softmax cross-entropy of the positives against the whole list."""

    kind: Literal["listwise"] = "listwise"

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """As `training.rankers.losses.listwise_loss`; a gain above 0 is a positive, whatever its size."""
        return listwise_loss(score_QK, gain_QK > 0, mask_QK)
