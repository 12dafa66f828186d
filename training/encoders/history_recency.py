"""History encoder: a weighted mean whose weights depend on how recent an item is.

Axes: B queries, H history positions (0 the most recent), D embedding.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from training.encoders.history import HistorySettings


class HistoryRecencyConfig(HistorySettings):
    """Mean with one learned weight a position; the weights begin as 1 / (1 + position)."""

    kind: Literal["recency"] = "recency"

    def build(self, table: nn.Embedding, length: int) -> nn.Module:
        """The encoder over a table of item embeddings, for histories of at most `length` items."""
        return HistoryRecency(table, length)


class HistoryRecency(nn.Module):
    """Softmax of learned position logits over the filled positions; zeros for an empty history."""

    def __init__(self, table: nn.Embedding, length: int) -> None:
        super().__init__()
        self.table = table
        self.logit_H = nn.Parameter(-torch.arange(1, length + 1).float().log())

    def forward(self, item_BH: Tensor) -> Tensor:
        """int64 [B, H] vocabulary rows, 0 pads -> float32 [B, D]."""
        weight_BH = self.logit_H.exp() * (item_BH > 0).float()
        share_BH = weight_BH / weight_BH.sum(1, keepdim=True).clamp_min(1e-9)
        # A product of matrices instead of a sum of products: no second [B, H, D] array.
        encoded_B1D: Tensor = share_BH[:, None, :] @ self.table(item_BH)
        return encoded_B1D[:, 0]
