"""Encoder of several categories: the mean of their rows.

Axes: B records, C categories, D embedding.
"""

from torch import Tensor, nn


class CategoriesEncoder(nn.Module):
    """Mean of the rows of the values; zeros when there are none."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, value_BC: Tensor) -> Tensor:
        """int64 [B, C] vocabulary rows, 0 pads -> float32 [B, D]."""
        mask_BC = (value_BC > 0).float()
        share_BC = mask_BC / mask_BC.sum(1, keepdim=True).clamp_min(1.0)
        encoded_B1D: Tensor = share_BC[:, None, :] @ self.table(value_BC)
        return encoded_B1D[:, 0]
