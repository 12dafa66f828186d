"""Number encoder: a small network over the standardised value and the missing flag.

Axes: B records, D embedding.
"""

import torch
from torch import Tensor, nn

_HIDDEN = 16


class NumberEncoder(nn.Module):
    """Two layers, so that the effect of a number need not be linear or monotone."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, dimension)

    def forward(self, value_B2: Tensor) -> Tensor:
        """float32 [B, 2] (value, 1 if missing) -> float32 [B, D]."""
        encoded_BD: Tensor = self.out(torch.tanh(self.hidden(value_B2)))
        return encoded_BD
