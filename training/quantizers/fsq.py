"""Finite scalar quantization: the strongest directions of the embedding, each bounded and rounded to a few values.

After Mentzer et al., Finite Scalar Quantization (ICLR 2024), section 3.1, with the network around it replaced by
principal components in closed form, and steps of equal width: nothing is trained, so nothing can collapse. The price:
few directions fit into a semantic ID, so the error is far above that of a residual quantizer of equal bits.

Axes: N embeddings, B embeddings of a batch, D embedding, P rounded directions, L levels, G directions of a level.
"""

import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bundle.config import Config
from training.errors import BadData
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.graphs import SumDecoder
from training.quantizers.limits import check_key
from training.ragged import FloatArray

_STEEPNESS = 0.8  # tanh(0.8 z) is near 2 Phi(z) - 1: normal values use the steps about evenly


class FsqConfig(Config):
    """Finite scalar quantization of principal components: no training, no collapse; for a start, or as a baseline."""

    kind: Literal["fsq"] = "fsq"
    levels: int = Field(default=3, ge=1, le=8, description="Codes of a semantic ID.")
    grid: tuple[int, ...] = Field(
        default=(4, 4, 4, 4),
        min_length=1,
        description="Values of each direction that one code stands for; their product is the number of codes a level.",
    )

    @model_validator(mode="after")
    def _fits_a_key(self) -> "FsqConfig":
        if min(self.grid) < 2:
            raise ValueError(f"grid {list(self.grid)} has a direction of one value, which says nothing; use 2 or more")
        check_key([math.prod(self.grid)] * self.levels)
        return self

    def check(self, n_items: int) -> None:
        """Raise BadData when there are no more items than directions."""
        directions = self.levels * len(self.grid)
        if n_items <= directions:
            raise BadData(
                f"{n_items} items have no {directions} directions; make quantizer.grid shorter, or lower "
                "quantizer.levels",
                items=n_items,
            )

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Find the directions and the mean of each step; raises BadData for too few items or a narrower embedding."""
        embedding_ND = data.embedding_ND
        self.check(len(embedding_ND))
        steps_P = torch.tensor(self.grid * self.levels)
        if embedding_ND.shape[1] < len(steps_P):
            raise BadData(
                f"embeddings of {embedding_ND.shape[1]} numbers have no {len(steps_P)} directions; make quantizer.grid "
                "shorter, or lower quantizer.levels"
            )
        mean_D, axis_DP, scale_P = _principal(embedding_ND, len(steps_P))
        encoder = FsqEncoder(mean_D, axis_DP / scale_P, steps_P, self.levels)
        with torch.no_grad():
            step_NP = encoder.steps(torch.from_numpy(embedding_ND)).numpy()
        value_NP = (embedding_ND - mean_D.numpy()) @ axis_DP.numpy()
        codebooks = []
        for level in range(self.levels):
            level_P = range(level * len(self.grid), (level + 1) * len(self.grid))
            means = [_step_means(value_NP[:, p], step_NP[:, p], int(steps_P[p])) for p in level_P]
            codebooks.append(_grid_points(means, axis_DP.numpy()[:, level_P.start : level_P.stop]))
        codebooks[0] = codebooks[0] + mean_D.numpy()
        stacked_LKD = torch.from_numpy(np.stack(codebooks).astype(np.float32))
        return Quantizer(tuple(stacked_LKD.numpy()), encoder, SumDecoder(stacked_LKD))


class FsqEncoder(nn.Module):
    """Project, bound, round; the rounded directions of a level are the digits of its code."""

    mean_D: Tensor
    project_DP: Tensor
    steps_P: Tensor
    place_G: Tensor

    def __init__(self, mean_D: Tensor, project_DP: Tensor, steps_P: Tensor, levels: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", mean_D)
        self.register_buffer("project_DP", project_DP)
        self.register_buffer("steps_P", steps_P)
        self.register_buffer("place_G", _places(steps_P[: len(steps_P) // levels]))
        self.levels = levels

    def steps(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> int64 [B, P], each from 0 to its number of values less one."""
        value_BP = (embedding_BD - self.mean_D) @ self.project_DP
        share_BP = (torch.tanh(_STEEPNESS * value_BP) + 1) / 2
        return torch.minimum((share_BP * self.steps_P).long(), self.steps_P - 1)

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> int64 [B, L]."""
        step_BLG = self.steps(embedding_BD).reshape(-1, self.levels, len(self.place_G))
        code_BL: Tensor = (step_BLG * self.place_G).sum(2)
        return code_BL


def _places(steps_G: Tensor) -> Tensor:
    """What one step of each direction adds to the code, the first direction most significant."""
    return torch.tensor([math.prod(steps_G[place + 1 :].tolist()) for place in range(len(steps_G))])


def _principal(embedding_ND: FloatArray, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The mean [D], the strongest directions [D, P] and the standard deviation [P] along each."""
    mean_D = embedding_ND.mean(0)
    centred_ND = (embedding_ND - mean_D).astype(np.float64)
    variance_D, axis_DD = np.linalg.eigh(centred_ND.T @ centred_ND / len(centred_ND))
    strongest = np.argsort(-variance_D, kind="stable")[:count]
    axis_DP = axis_DD[:, strongest]
    axis_DP *= np.where(axis_DP[np.abs(axis_DP).argmax(0), np.arange(count)] < 0, -1, 1)  # the sign is free otherwise
    scale_P = np.sqrt(np.maximum(variance_D[strongest], 1e-12))
    return (
        torch.from_numpy(mean_D.astype(np.float32)),
        torch.from_numpy(axis_DP.astype(np.float32)),
        torch.from_numpy(scale_P.astype(np.float32)),
    )


def _step_means(value_N: FloatArray, step_N: FloatArray, count: int) -> FloatArray:
    """Mean value of the embeddings at each step; the nearest filled step's where there are none."""
    found = np.bincount(step_N, minlength=count)
    filled = np.flatnonzero(found)
    mean = np.bincount(step_N, value_N, minlength=count)[filled] / found[filled]
    nearest = np.abs(np.arange(count)[:, None] - filled).argmin(1)
    means: FloatArray = mean[nearest]
    return means


def _grid_points(means: list[FloatArray], axis_DG: FloatArray) -> FloatArray:
    """The vector [K, D] of every combination of steps, the first direction most significant."""
    value_KG = np.stack(np.meshgrid(*means, indexing="ij"), axis=-1).reshape(-1, len(means))
    point_KD: FloatArray = value_KG @ axis_DG.T
    return point_KD
