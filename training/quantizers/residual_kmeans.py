"""Residual k-means: each level is a k-means of what the levels before it left over; the honest baseline.

As in OneRec (2025, section 2.1) and GRID, whose balanced variant gives every code of a level about equally many items.

Axes: N embeddings, D embedding, L levels, K codes a level.
"""

from typing import Literal

import faiss
import numpy as np
import torch
from pydantic import Field, model_validator

from bundle.config import Config
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.graphs import BeamEncoder, SumDecoder
from training.quantizers.limits import check_items, check_key
from training.quantizers.sinkhorn import capped_codes, sinkhorn_plan
from training.ragged import FloatArray, IntArray

_BALANCING_ROUNDS = 5
_SINKHORN_ROUNDS = 50
_MOST_BALANCED = 50_000  # rows of the plan, which has a float64 for each row and code


class ResidualKMeansConfig(Config):
    """Residual k-means, plain or balanced; any number of codes a level. Encoding is greedy."""

    kind: Literal["residual_kmeans"] = "residual_kmeans"
    levels: int = Field(default=3, ge=1, le=8, description="Codes of a semantic ID.")
    codebook_size: int = Field(default=256, ge=2, le=65_536, description="Codes of each level.")
    iterations: int = Field(default=25, ge=1, description="Rounds of k-means a level.")
    assign: Literal["greedy", "balanced"] = Field(
        default="greedy",
        description="While fitting: nearest code, or by transport onto equally used codes. Serving takes the nearest.",
    )
    epsilon: float = Field(
        default=0.02, gt=0, description="Entropy of the transport, as a share of half the range of distances."
    )

    @model_validator(mode="after")
    def _fits_a_key(self) -> "ResidualKMeansConfig":
        check_key([self.codebook_size] * self.levels)
        return self

    def check(self, n_items: int) -> None:
        """Raise BadData when so few items cannot train so many codes."""
        check_items(n_items, self.codebook_size, n_items)

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Learn codebooks from item embeddings; raises BadData when there are fewer of them than codes a level."""
        residual_ND = np.array(data.embedding_ND, dtype=np.float32)
        self.check(len(residual_ND))
        codebooks = []
        old_threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(threads)
        try:
            for level in range(self.levels):
                codebook_KD = self._level(residual_ND, seed + level)
                residual_ND -= codebook_KD[_nearest(residual_ND, codebook_KD)]
                codebooks.append(codebook_KD)
        finally:
            faiss.omp_set_num_threads(old_threads)
        stacked_LKD = torch.from_numpy(np.stack(codebooks))
        return Quantizer(tuple(codebooks), BeamEncoder(stacked_LKD, 1), SumDecoder(stacked_LKD))

    def _level(self, residual_ND: FloatArray, seed: int) -> FloatArray:
        kmeans = faiss.Kmeans(
            residual_ND.shape[1],
            self.codebook_size,
            niter=self.iterations,
            seed=seed + 1,
            min_points_per_centroid=1,
            max_points_per_centroid=max(256, -(-_MOST_BALANCED // self.codebook_size)),
            init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS,
        )
        kmeans.train(residual_ND)
        codebook_KD: FloatArray = np.array(kmeans.centroids, dtype=np.float32)
        return codebook_KD if self.assign == "greedy" else self._balanced(residual_ND, codebook_KD, seed)

    def _balanced(self, residual_ND: FloatArray, codebook_KD: FloatArray, seed: int) -> FloatArray:
        """Centroids of equally large groups of a sample, which begin at those of k-means."""
        if len(residual_ND) > _MOST_BALANCED:
            rows = np.random.default_rng(seed).choice(len(residual_ND), _MOST_BALANCED, replace=False)
            residual_ND = residual_ND[np.sort(rows)]
        capacity = -(-len(residual_ND) // len(codebook_KD))
        for _ in range(_BALANCING_ROUNDS):
            distance_NK = torch.from_numpy(_distances(residual_ND, codebook_KD))
            plan_NK = sinkhorn_plan(distance_NK, self.epsilon, most_rounds=_SINKHORN_ROUNDS)
            codebook_KD = _centroids(residual_ND, capped_codes(plan_NK, capacity).numpy(), codebook_KD)
        return codebook_KD


def _nearest(rows_ND: FloatArray, codebook_KD: FloatArray) -> IntArray:
    nearest_N: IntArray = faiss.knn(rows_ND, codebook_KD, 1)[1][:, 0].astype(np.int64)
    return nearest_N


def _distances(rows_ND: FloatArray, codebook_KD: FloatArray) -> FloatArray:
    """Squared distances less |row|^2, which is the same for all codes."""
    distance_NK: FloatArray = np.square(codebook_KD).sum(1) - 2 * rows_ND @ codebook_KD.T
    return distance_NK


def _centroids(rows_ND: FloatArray, code_N: IntArray, before_KD: FloatArray) -> FloatArray:
    """Means of the rows of each code; a code without rows stays where it was."""
    count_K = np.bincount(code_N, minlength=len(before_KD))
    sum_KD = np.zeros_like(before_KD)
    np.add.at(sum_KD, code_N, rows_ND)
    mean_KD: FloatArray = np.where(count_K[:, None] > 0, sum_KD / np.maximum(count_K, 1)[:, None], before_KD)
    return mean_KD.astype(np.float32)
