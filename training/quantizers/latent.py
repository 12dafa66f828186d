"""The map of embeddings into the space where code vectors add up, and back.

Both directions are a linear map, set to the principal components, plus a perceptron that starts at zero: an untrained
map is exactly principal components, so training begins at residual k-means and can only go on from there.

A few more latent dimensions, the details, are random waves over the embedding, so fine that near-duplicates lie at
different places of them. Code vectors are spent on them as on any other dimension, most by the last level, where most
of the coarse differences are gone: near-duplicates, which share an ID otherwise, mostly get IDs that differ in the last
code. They depend on the embedding alone, so unlike a suffix they need no catalogue. The decoder does not read them.

Axes: B embeddings, N rows it is fitted on, D embedding, d latent, m details, c = d - m principal components.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.errors import BadData

_WAVES = 20.0  # radians of phase over the spread of the embeddings


class Statistics(NamedTuple):
    """Mean, one scale for all dimensions, and the leading principal directions."""

    mean_D: Tensor
    scale: Tensor
    direction_cD: Tensor


def statistics(embedding_ND: Tensor, latent: int) -> Statistics:
    """Statistics of the rows, with min(latent, D) directions; raises BadData when a number is not finite.

    One scale for all dimensions: a scale each would weigh the error of some dimensions more than of others.
    """
    broken_N = ~embedding_ND.isfinite().all(1)
    if bool(broken_N.any()):
        row = int(broken_N.nonzero()[0])
        raise BadData(f"the embedding of item row {row} has a number that is not finite; embed it again", row=row)
    mean_D = embedding_ND.mean(0)
    centred_ND = embedding_ND - mean_D
    scale = centred_ND.square().mean().sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    _, vector_DD = torch.linalg.eigh((centred_ND.T @ centred_ND).double())  # eigenvalues ascend
    return Statistics(mean_D, scale, vector_DD.flip(1).T[:latent].float().contiguous())


class Details(NamedTuple):
    """How many waves, and their variance together as a share of the embeddings'."""

    width: int
    variance: float


class LatentEncoder(nn.Module):
    """float32 [B, D] -> latent float32 [B, d]; standardises first."""

    mean_D: Tensor
    scale: Tensor
    wave_mD: Tensor
    phase_m: Tensor

    def __init__(self, fitted: Statistics, hidden: int, details: Details) -> None:
        super().__init__()
        components, width = fitted.direction_cD.shape
        self.register_buffer("mean_D", fitted.mean_D)
        self.register_buffer("scale", fitted.scale)
        self.linear = nn.Parameter(fitted.direction_cD.clone())
        self.correction = _correction(width, hidden, components)
        # A standardised row has square length D on average, so its phase has a spread of _WAVES radians.
        self.register_buffer("wave_mD", torch.randn(details.width, width) * _WAVES / width**0.5)
        self.register_buffer("phase_m", torch.rand(details.width) * 2 * math.pi)
        self.height = math.sqrt(2 * details.variance * width / max(details.width, 1))

    def standardised(self, embedding_BD: Tensor) -> Tensor:
        """The rows with mean 0 and mean square 1 over all rows and dimensions that this was fitted on."""
        return (embedding_BD - self.mean_D) / self.scale

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> float32 [B, d]."""
        rows_BD = self.standardised(embedding_BD)
        content_Bc = rows_BD @ self.linear.T + self.correction(rows_BD)
        detail_Bm = self.height * torch.cos(rows_BD @ self.wave_mD.T + self.phase_m)
        return torch.cat([content_Bc, detail_Bm], 1)


class LatentDecoder(nn.Module):
    """Latent float32 [B, d] -> float32 [B, D]."""

    mean_D: Tensor
    scale: Tensor

    def __init__(self, fitted: Statistics, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", fitted.mean_D)
        self.register_buffer("scale", fitted.scale)
        components, width = fitted.direction_cD.shape
        self.linear = nn.Parameter(fitted.direction_cD.T.clone())
        self.correction = _correction(components, hidden, width)

    def standardised(self, latent_Bd: Tensor) -> Tensor:
        """The decoded rows as `LatentEncoder.standardised` has them, which is where they are compared."""
        content_Bc = latent_Bd[:, : self.linear.shape[1]]
        rows_BD: Tensor = content_Bc @ self.linear.T + self.correction(content_Bc)
        return rows_BD

    def forward(self, latent_Bd: Tensor) -> Tensor:
        """float32 [B, d] -> float32 [B, D]."""
        return self.standardised(latent_Bd) * self.scale + self.mean_D


def _correction(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), last)
