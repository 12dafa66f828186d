"""Semantic-ID encoder: a given vector read as its codes, by the n-grams of a frozen quantizer.

Axes: B records, W width of the given vector, L levels, H rows of the table, D embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.config import Config
from training.encoders.vector import VectorEncoder
from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer
from training.quantizers.residual import ResidualConfig

# Both below 2^31, so that no product leaves int64: graphs have no unsigned arithmetic.
_PRIME, _MULTIPLIER = 2_147_483_647, 1_436_079_061


class SemanticIdFeatureConfig(Config):
    """How a tower reads a vector feature as a semantic ID (Singh et al., RecSys 2024: better generalization)."""

    quantizer: QuantizerConfig = Field(
        default_factory=ResidualConfig,
        description="Turns vectors into codes; fitted before the towers, on the vectors that occur in training.",
    )
    grams: Literal["prefix", "position"] = Field(
        default="prefix",
        description="'prefix': a row for the codes up to each level, hashed; 'position': a row for each code of each "
        "level by itself, blind to the codes before it.",
    )
    buckets: int = Field(
        default=16384,
        ge=2,
        le=2**30,
        description="Rows of the table of prefixes; several times the number of prefixes keeps them apart. "
        "grams = 'position' has one row a code instead.",
    )
    keep_vector: bool = Field(default=False, description="Whether the tower reads the vector itself too.")
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of records that training cuts after a random level, so that short prefixes mean something.",
    )


@dataclass(frozen=True)
class FittedSemanticId:
    """A quantizer, and how its codes are read."""

    config: SemanticIdFeatureConfig
    quantizer: Quantizer

    def build(self, width: int, dimension: int) -> "SemanticIdEncoder":
        """The encoder. All rows begin at zero, so a prefix that training never met adds nothing instead of noise."""
        config = self.config
        grams = PrefixRows(config.buckets) if config.grams == "prefix" else PositionRows(self.quantizer.codebook_sizes)
        table = nn.Embedding(grams.rows, dimension, padding_idx=0)
        nn.init.zeros_(table.weight)
        vector = VectorEncoder(width, dimension) if config.keep_vector else None
        return SemanticIdEncoder(self.quantizer.encode, grams, table, vector, config.dropout)


class SemanticIdEncoder(nn.Module):
    """Sum of the rows of the vector's n-grams; zeros when the vector is missing (all zeros).

    The codes are computed here, so training, index build and request cannot read different ones.
    """

    def __init__(
        self, encode: nn.Module, grams: nn.Module, table: nn.Embedding, vector: VectorEncoder | None, dropout: float
    ) -> None:
        super().__init__()
        self.encode = encode.requires_grad_(False).eval()
        self.grams, self.table, self.vector, self.dropout = grams, table, vector, dropout

    def train(self, mode: bool = True) -> "SemanticIdEncoder":
        """As usual, but the quantizer stays as it is."""
        super().train(mode)
        self.encode.eval()
        return self

    def rows(self, value_BW: Tensor) -> Tensor:
        """float32 [B, W] -> int64 [B, L] rows of the table, 0 for a missing vector."""
        row_BL: Tensor = self.grams(self.encode(value_BW))
        return row_BL * (value_BW.abs().amax(1, keepdim=True) > 0).long()

    def forward(self, value_BW: Tensor) -> Tensor:
        """float32 [B, W] -> float32 [B, D]."""
        row_BL = self.rows(value_BW)
        if self.training and self.dropout > 0:
            row_BL = cut(row_BL, self.dropout)
        encoded_BD: Tensor = self.table(row_BL).sum(1)
        return encoded_BD if self.vector is None else encoded_BD + self.vector(value_BW)


class PrefixRows(nn.Module):
    """A row for each prefix: its codes as digits of a polynomial modulo a prime, modulo the table's size."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] codes -> int64 [B, L] rows, 1 and up."""
        key_B, rows = torch.zeros_like(code_BL[:, 0]), []
        for level in range(code_BL.shape[1]):
            # Codes count from 1 here: a zero in front would make prefixes of two lengths alike.
            key_B = (key_B * _MULTIPLIER + code_BL[:, level] + 1) % _PRIME
            rows.append(1 + key_B % (self.rows - 1))
        return torch.stack(rows, dim=1)


class PositionRows(nn.Module):
    """A row for each code of each level."""

    first_L: Tensor

    def __init__(self, codebook_sizes: Sequence[int]) -> None:
        super().__init__()
        self.rows = 1 + sum(codebook_sizes)
        sizes_L = torch.tensor(codebook_sizes)
        self.register_buffer("first_L", 1 + sizes_L.cumsum(0) - sizes_L)

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] codes -> int64 [B, L] rows, 1 and up."""
        return code_BL + self.first_L


def cut(row_BL: Tensor, share: float) -> Tensor:
    """Of this share of the records keep the first 1 to L - 1 rows alone; the rest become row 0, which is zeros."""
    n_records, levels = row_BL.shape
    kept_B1 = 1 + torch.rand(n_records, 1, device=row_BL.device).mul(levels - 1).long()
    whole_B1 = torch.rand(n_records, 1, device=row_BL.device) >= share
    level_L = torch.arange(levels, device=row_BL.device)
    return row_BL * ((level_L < kept_B1) | whole_B1).long()
