"""Vector encoder: a learned projection of a given embedding.

Axes: B records, W width of the given vector, D embedding.
"""

from torch import Tensor, nn


class VectorEncoder(nn.Module):
    """Linear projection without a bias, so that a missing vector (zeros) adds nothing."""

    def __init__(self, width: int, dimension: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, dimension, bias=False)

    def forward(self, value_BW: Tensor) -> Tensor:
        """float32 [B, W] -> float32 [B, D]."""
        encoded_BD: Tensor = self.projection(value_BW)
        return encoded_BD
