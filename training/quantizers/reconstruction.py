"""How far a decoded embedding is from the one it was made from.

Axes: B embeddings, D embedding.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, normalize

Reconstruction = Literal["mse", "contrastive", "both"]


def contrast(decoded_BD: Tensor, row_BD: Tensor, temperature: float) -> Tensor:
    """In-batch cross-entropy of finding the own row among those of the batch, by cosine (CoST, Zhu et al., 2024).

    Rows equal to the own one are masked: no decoded row could tell them apart.
    """
    unit_BD = normalize(row_BD, dim=1)
    logit_BB = normalize(decoded_BD, dim=1) @ unit_BD.T / temperature
    twin_BB = (unit_BD @ unit_BD.T > 1 - 1e-6).fill_diagonal_(False)
    return cross_entropy(logit_BB.masked_fill(twin_BB, -torch.inf), torch.arange(len(row_BD)))


def reconstruction_loss(
    decoded_BD: Tensor, row_BD: Tensor, kind: Reconstruction, weight: float, temperature: float
) -> Tensor:
    """Mean square error, the contrast, or the sum of both with the contrast times `weight`."""
    if kind == "mse":
        return mse_loss(decoded_BD, row_BD)
    if kind == "contrastive":
        return contrast(decoded_BD, row_BD, temperature)
    return mse_loss(decoded_BD, row_BD) + weight * contrast(decoded_BD, row_BD, temperature)
