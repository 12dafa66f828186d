"""Codebooks that are learned with a network: init, choice, moving averages, and codes that come back from the dead.

Axes: B embeddings, N rows of the init sample, L levels, K codes a level, d latent.
"""

from typing import Literal, NamedTuple

import faiss
import numpy as np
import torch
from torch import Tensor, nn

from training.quantizers.assignment import Assign, training_codes
from training.ragged import FloatArray

CodebookUpdate = Literal["gradient", "ema"]
_USE_DECAY = 0.98  # of the running counts that say which codes are dead
_DEAD_SHARE = 0.1  # of an equal share of the rows
_SMOOTHING = 1e-5


class Quantized(NamedTuple):
    """Codes int64 [B, L], the chosen code vectors and what each level found left over, both [B, L, d]."""

    code_BL: Tensor
    chosen_BLd: Tensor
    residual_BLd: Tensor


class LearnedCodebooks(nn.Module):
    """L codebooks whose chosen vectors add up; the rest a level leaves is what the next level sees."""

    use_LK: Tensor
    count_LK: Tensor
    sum_LKd: Tensor

    def __init__(self, codebooks_LKd: Tensor, rows: int) -> None:
        """`rows`: those of a training batch, by which use is counted."""
        super().__init__()
        self.vector_LKd = nn.Parameter(codebooks_LKd)
        self.equal_share = rows / codebooks_LKd.shape[1]
        self.register_buffer("use_LK", torch.full(codebooks_LKd.shape[:2], self.equal_share))
        self.register_buffer("count_LK", torch.full(codebooks_LKd.shape[:2], self.equal_share))
        self.register_buffer("sum_LKd", codebooks_LKd.clone() * self.equal_share)

    def forward(self, latent_Bd: Tensor, assign: Assign = "greedy", done: float = 1.0) -> Quantized:
        """Choose level by level; `done` is the share of the training behind. No gradient flows between levels."""
        residual_Bd, codes, chosen, residuals = latent_Bd, [], [], []
        for codebook_Kd in self.vector_LKd:
            residuals.append(residual_Bd)
            with torch.no_grad():
                distance_BK = codebook_Kd.square().sum(1) - 2 * (residual_Bd @ codebook_Kd.T)
                codes.append(training_codes(distance_BK, assign, done))
            chosen.append(codebook_Kd[codes[-1]])
            residual_Bd = residual_Bd - chosen[-1].detach()
        return Quantized(torch.stack(codes, 1), torch.stack(chosen, 1), torch.stack(residuals, 1))

    @torch.no_grad()
    def restart(self, codebooks_LKd: Tensor) -> None:
        """Other code vectors, all of them taken for equally used."""
        self.vector_LKd.copy_(codebooks_LKd)
        self.use_LK.fill_(self.equal_share)
        self.count_LK.fill_(self.equal_share)
        self.sum_LKd.copy_(codebooks_LKd * self.equal_share)

    @torch.no_grad()
    def count(self, quantized: Quantized) -> None:
        """Take a batch into the running counts of use."""
        for level, use_K in enumerate(self.use_LK):
            batch_K = quantized.code_BL[:, level].bincount(minlength=len(use_K))
            use_K.mul_(_USE_DECAY).add_(batch_K, alpha=1 - _USE_DECAY)

    @torch.no_grad()
    def average(self, quantized: Quantized, decay: float) -> None:
        """Move every code vector to the running mean of the residuals that chose it (VQ-VAE, 2017, A.1)."""
        size = self.vector_LKd.shape[1]
        for level in range(len(self.vector_LKd)):
            code_B, residual_Bd = quantized.code_BL[:, level], quantized.residual_BLd[:, level]
            total_Kd = torch.zeros_like(self.sum_LKd[level]).index_add_(0, code_B, residual_Bd)
            self.count_LK[level].mul_(decay).add_(code_B.bincount(minlength=size), alpha=1 - decay)
            self.sum_LKd[level].mul_(decay).add_(total_Kd, alpha=1 - decay)
            everything = self.count_LK[level].sum()
            smoothed_K = (self.count_LK[level] + _SMOOTHING) / (everything + size * _SMOOTHING) * everything
            self.vector_LKd[level] = self.sum_LKd[level] / smoothed_K[:, None]

    @torch.no_grad()
    def revive(self, quantized: Quantized, generator: torch.Generator) -> int:
        """Put dead codes, used less than a tenth of an equal share, onto residuals of the batch; says how many.

        Works on the counts of use alone, so it does not depend on how the codebooks are updated.
        """
        dead_LK = self.use_LK < _DEAD_SHARE * self.equal_share
        for level, dead_K in enumerate(dead_LK):
            code_R = dead_K.nonzero()[:, 0]
            row_R = torch.randint(0, len(quantized.code_BL), (len(code_R),), generator=generator)
            vector_Rd = quantized.residual_BLd[row_R, level]
            self.vector_LKd[level, code_R] = vector_Rd
            self.use_LK[level, code_R] = self.equal_share
            self.count_LK[level, code_R] = 1.0
            self.sum_LKd[level, code_R] = vector_Rd
        return int(dead_LK.sum())


def kmeans_codebooks(latent_Nd: FloatArray, levels: int, size: int, seed: int, threads: int) -> Tensor:
    """Codebooks float32 [L, K, d] by k-means on what is really left over: a level is fitted when those before it stand.

    The k-means is FAISS's progressive one, which keeps the codes of the deeper levels evenly used. Rows must be at
    least `size`.
    """
    old_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        residual_Nd, codebooks = np.ascontiguousarray(latent_Nd, dtype=np.float32), []
        for level in range(levels):
            codebook_Kd = _kmeans(residual_Nd, size, seed + level)
            distance_NK = np.square(codebook_Kd).sum(1) - 2 * residual_Nd @ codebook_Kd.T
            residual_Nd = residual_Nd - codebook_Kd[distance_NK.argmin(1)]
            codebooks.append(codebook_Kd)
    finally:
        faiss.omp_set_num_threads(old_threads)
    return torch.from_numpy(np.stack(codebooks))


def _kmeans(row_Nd: FloatArray, size: int, seed: int) -> FloatArray:
    parameters = faiss.ProgressiveDimClusteringParameters()
    parameters.seed = seed + 1
    parameters.min_points_per_centroid = 1
    clustering = faiss.ProgressiveDimClustering(row_Nd.shape[1], size, parameters)
    clustering.train(len(row_Nd), faiss.swig_ptr(row_Nd), faiss.ProgressiveDimIndexFactory())
    centroid_Kd: FloatArray = faiss.vector_to_array(clustering.centroids).reshape(size, -1).astype(np.float32)
    return centroid_Kd
