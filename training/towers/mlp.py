"""The default tower: the encoders of all features summed, residual layers, unit length.

Axes: B records, D embedding.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize

from bundle.config import Config
from bundle.features import Feature
from training.encoders import HistoryConfig
from training.encoders.build import EncoderInputs, build_encoder
from training.encoders.history_recency import HistoryRecencyConfig


class MlpTowerConfig(Config):
    """Sum of feature encoders, then residual layers."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = Field(default=(), description="Widths of the residual layers; none by default.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of the summed encoding dropped in training.")
    history: HistoryConfig = Field(
        default_factory=HistoryRecencyConfig, description="Encoder of every sequence feature of this tower."
    )

    def build(self, features: Sequence[Feature], inputs: EncoderInputs, unit_length: bool) -> "MlpTower":
        """The tower over these features."""
        return MlpTower(self, features, inputs, unit_length)


class MlpTower(nn.Module):
    """Embeds records; the graph of a bundle is this module's forward in evaluation mode."""

    def __init__(
        self, config: MlpTowerConfig, features: Sequence[Feature], inputs: EncoderInputs, unit_length: bool
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(build_encoder(feature, config.history, inputs) for feature in features)
        # A record of which nothing is known still has a direction, instead of the zero vector that scores 0.
        self.bias_D = nn.Parameter(torch.randn(inputs.dimension) * 0.01)
        if any(getattr(encoder, "keeps_scale", False) for encoder in self.encoders):
            self.bias_D.data *= 1e-6  # below what float32 resolves beside the pretrained embedding
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(ResidualLayer(inputs.dimension, width) for width in config.hidden)
        self.unit_length = unit_length

    def forward(self, *arrays: Tensor) -> Tensor:
        """The arrays of the features, in their order -> float32 [B, D], of unit length if the metric is cosine."""
        parts = [encoder(array) for encoder, array in zip(self.encoders, arrays, strict=True)]
        state_BD: Tensor = self.dropout(torch.stack(parts).sum(0) + self.bias_D)
        for layer in self.layers:
            state_BD = layer(state_BD)
        return normalize(state_BD, dim=1) if self.unit_length else state_BD


class ResidualLayer(nn.Module):
    """x + W2 gelu(W1 norm(x)), with W2 zero at first, so that a new layer changes nothing."""

    def __init__(self, dimension: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dimension)
        self.wide = nn.Linear(dimension, width)
        self.narrow = nn.Linear(width, dimension)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, state_BD: Tensor) -> Tensor:
        """float32 [B, D] -> float32 [B, D]."""
        hidden_BW = nn.functional.gelu(self.wide(self.norm(state_BD)))
        out_BD: Tensor = state_BD + self.narrow(hidden_BW)
        return out_BD
