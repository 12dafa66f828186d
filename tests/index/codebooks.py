"""A decoder of semantic IDs without a bundle: the sum of codebook rows. L levels, K codes, D embedding, N items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bundle.semantic_id import IntArray, SemanticIdSpace
from index.resolution import CollisionConfig, Resolved, resolve


@dataclass(frozen=True)
class Codebooks:
    """Greedy residual encoding and its inverse."""

    levels: Sequence[npt.NDArray[np.float32]]

    @property
    def space(self) -> SemanticIdSpace:
        """The code ranges."""
        return SemanticIdSpace([len(codebook) for codebook in self.levels])

    def decode(self, codes_NL: IntArray) -> npt.NDArray[np.float32]:
        """Vectors [N, D] of codes."""
        parts = [codebook[codes_NL[:, level]] for level, codebook in enumerate(self.levels)]
        vectors_ND: npt.NDArray[np.float32] = np.sum(parts, axis=0, dtype=np.float32)
        return vectors_ND

    def encode(self, vectors_ND: npt.NDArray[np.float32]) -> IntArray:
        """Codes [N, L] of vectors."""
        left, codes = vectors_ND.copy(), []
        for codebook in self.levels:
            codes.append(((left[:, None] - codebook[None]) ** 2).sum(-1).argmin(1))
            left = left - codebook[codes[-1]]
        return np.column_stack(codes)


def random_codebooks(sizes: Sequence[int], dimension: int = 3, seed: int = 0) -> Codebooks:
    """Codebooks of falling scale."""
    rng = np.random.default_rng(seed)
    return Codebooks([rng.normal(scale=0.5**n, size=(k, dimension)).astype(np.float32) for n, k in enumerate(sizes)])


def suffixed(codes_NL: IntArray, space: SemanticIdSpace) -> Resolved:
    """Codes of which collisions are told apart by suffixes alone, so that no vectors are needed."""
    nowhere_N1 = np.zeros((len(codes_NL), 1), dtype=np.float32)
    return resolve(codes_NL, nowhere_N1, lambda _: nowhere_N1, space, CollisionConfig())
