"""Category encoder: one learned row a value.

Axes: B records, V rows of the vocabulary, D embedding.
"""

from torch import Tensor, nn


class CategoryEncoder(nn.Module):
    """Row of the value; zeros when it is missing."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, value_B: Tensor) -> Tensor:
        """int64 [B] vocabulary rows, 0 missing -> float32 [B, D]."""
        encoded_BD: Tensor = self.table(value_B)
        return encoded_BD
