"""Vectors as catalogues have them: clusters of very different sizes in a space of fewer dimensions than the vectors'.

N corpus, Q queries, D embedding, C clusters, H hidden dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
CLUSTERS, HIDDEN = 1_500, 48
WITHIN, AMBIENT, POWER = 0.45, 0.02, 0.7
ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class Mixture:
    """A mixture of clusters whose sizes follow a power law; seeded, so that all of it can be drawn again."""

    dimension: int
    seed: int = 0

    def draw(self, count: int, seed: int) -> FloatArray:
        """Unit vectors float32 [count, D]; another seed draws others of the same mixture."""
        world = np.random.default_rng([self.seed, self.dimension])
        centre_CH = world.standard_normal((CLUSTERS, HIDDEN)).astype(np.float32)
        spread_HD = (world.standard_normal((HIDDEN, self.dimension)) / np.sqrt(HIDDEN)).astype(np.float32)
        share_C = 1 / np.arange(1, CLUSTERS + 1) ** POWER
        random = np.random.default_rng([self.seed, seed])
        vectors_ND = np.empty((count, self.dimension), dtype=np.float32)
        for start in range(0, count, ROWS_AT_A_TIME):
            size = min(ROWS_AT_A_TIME, count - start)
            cluster_N = random.choice(CLUSTERS, size, p=share_C / share_C.sum())
            hidden_NH = centre_CH[cluster_N] + WITHIN * random.standard_normal((size, HIDDEN), dtype=np.float32)
            noise_ND = AMBIENT * random.standard_normal((size, self.dimension), dtype=np.float32)
            part_ND = hidden_NH @ spread_HD + noise_ND
            vectors_ND[start : start + size] = part_ND / np.linalg.norm(part_ND, axis=1, keepdims=True)
        return vectors_ND
