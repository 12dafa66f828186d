"""History encoder: the plain mean of the last items.

Axes: B queries, H history positions (0 the most recent), D embedding.
"""

from typing import Literal

from torch import Tensor, nn

from training.encoders.history import HistorySettings


class HistoryMeanConfig(HistorySettings):
    """Mean of the items' embeddings, blind to their order."""

    kind: Literal["mean"] = "mean"

    def build(self, table: nn.Embedding, length: int) -> nn.Module:
        """The encoder over a table of item embeddings."""
        return HistoryMean(table)


class HistoryMean(nn.Module):
    """Mean over the items of the history; zeros for an empty one."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, item_BH: Tensor) -> Tensor:
        """int64 [B, H] vocabulary rows, 0 pads -> float32 [B, D]."""
        mask_BH = (item_BH > 0).float()
        share_BH = mask_BH / mask_BH.sum(1, keepdim=True).clamp_min(1.0)
        encoded_B1D: Tensor = share_BH[:, None, :] @ self.table(item_BH)
        return encoded_B1D[:, 0]
