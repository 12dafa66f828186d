"""Two heads on a tower: two views of a record side by side in one embedding, so that one index serves both.

Axes: B records, D embedding, H = D / 2 block of a head.
"""

import copy

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from bundle.config import Config


class TwoHeadsConfig(Config):
    """A linear and a residual head, each half of the embedding."""

    weight: float = Field(
        default=0.5, gt=0, lt=1, description="Share of the first head in the score; the second has the rest."
    )

    def build(self, tower: nn.Module, dimension: int, unit_length: bool) -> "TwoHeads":
        """The heads on a tower whose states have free length."""
        return TwoHeads(tower, dimension, self.weight, unit_length)


class TwoHeads(nn.Module):
    """[sqrt(w) u; sqrt(1 - w) t]: the dot product of two is w <u_q, u_x> + (1 - w) <t_q, t_x> (as in RDE, CVPR 2024).

    With unit blocks the embedding has unit length too. The second head adds to its projection what a hidden layer
    makes of the state, so that the two err differently.
    """

    def __init__(self, tower: nn.Module, dimension: int, weight: float, unit_length: bool) -> None:
        super().__init__()
        half = dimension // 2
        self.tower = tower
        self.first = nn.Linear(dimension, half)
        self.second = nn.Linear(dimension, half)
        self.norm = nn.LayerNorm(dimension)
        self.wide = nn.Linear(dimension, dimension)
        self.narrow = nn.Linear(dimension, half, bias=False)
        for head in (self.first, self.second):  # a projection at first, which keeps angles as well as half can
            nn.init.orthogonal_(head.weight)
        self.weight = weight
        self.unit_length = unit_length

    def forward(self, *arrays: Tensor) -> Tensor:
        """The arrays of the tower's features -> float32 [B, D]."""
        state_BD = self.tower(*arrays)
        first_BH = self.first(state_BD)
        second_BH = self.second(state_BD) + self.narrow(gelu(self.wide(self.norm(state_BD))))
        if self.unit_length:
            first_BH, second_BH = normalize(first_BH, dim=1), normalize(second_BH, dim=1)
        return side_by_side(first_BH, second_BH, self.weight)

    def sibling(self, tower: nn.Module) -> "TwoHeads":
        """Heads of their own that begin like these, on another tower: equal states have equal embeddings at first."""
        own, self.tower = self.tower, nn.Identity()
        other = copy.deepcopy(self)
        self.tower, other.tower = own, tower
        return other


def side_by_side(first_BH: Tensor, second_BH: Tensor, weight: float) -> Tensor:
    """[sqrt(w) first; sqrt(1 - w) second], float32 [B, 2H]."""
    return torch.cat([weight**0.5 * first_BH, (1 - weight) ** 0.5 * second_BH], dim=1)
