"""The map of embeddings into the space where code vectors add up, and back.

Both directions are a linear map, set to the principal components, plus a perceptron that starts at zero: an untrained
map is exactly principal components, so training begins at residual k-means and can only go on from there.

Axes: B embeddings, N rows it is fitted on, D embedding, d latent, H hidden units.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.errors import BadData


class Statistics(NamedTuple):
    """Mean, one scale for all dimensions, and the leading principal directions."""

    mean_D: Tensor
    scale: Tensor
    direction_dD: Tensor


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


class LatentEncoder(nn.Module):
    """float32 [B, D] -> latent float32 [B, d]; standardises first."""

    mean_D: Tensor
    scale: Tensor

    def __init__(self, fitted: Statistics, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", fitted.mean_D)
        self.register_buffer("scale", fitted.scale)
        self.linear = nn.Parameter(fitted.direction_dD.clone())
        self.correction = _correction(fitted.direction_dD.shape[1], hidden, len(fitted.direction_dD))

    def standardised(self, embedding_BD: Tensor) -> Tensor:
        """The rows with mean 0 and mean square 1 over all rows and dimensions that this was fitted on."""
        return (embedding_BD - self.mean_D) / self.scale

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> float32 [B, d]."""
        rows_BD = self.standardised(embedding_BD)
        latent_Bd: Tensor = rows_BD @ self.linear.T + self.correction(rows_BD)
        return latent_Bd


class LatentDecoder(nn.Module):
    """Latent float32 [B, d] -> float32 [B, D]."""

    mean_D: Tensor
    scale: Tensor

    def __init__(self, fitted: Statistics, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", fitted.mean_D)
        self.register_buffer("scale", fitted.scale)
        self.linear = nn.Parameter(fitted.direction_dD.T.clone())
        self.correction = _correction(len(fitted.direction_dD), hidden, fitted.direction_dD.shape[1])

    def standardised(self, latent_Bd: Tensor) -> Tensor:
        """The decoded rows as `LatentEncoder.standardised` has them, which is where they are compared."""
        rows_BD: Tensor = latent_Bd @ self.linear.T + self.correction(latent_Bd)
        return rows_BD

    def forward(self, latent_Bd: Tensor) -> Tensor:
        """float32 [B, d] -> float32 [B, D]."""
        return self.standardised(latent_Bd) * self.scale + self.mean_D


def _correction(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), last)
