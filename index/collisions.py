"""How many items share all their raw codes, measured over the corpus that is served.

N corpus, L levels.
"""

from dataclasses import dataclass

import numpy as np

from bundle.semantic_id import IntArray, SemanticIdSpace


@dataclass(frozen=True)
class CollisionMeasures:
    """What `SemanticIdReport` says of raw codes."""

    n_codes: int
    dup_excess: float
    dup_share: float
    largest_group: int
    perplexity: tuple[float, ...]


def measure_collisions(codes_NL: IntArray, space: SemanticIdSpace) -> CollisionMeasures:
    """Collision measures of full codes, and the perplexity exp(-sum p ln p) of the codes at each level."""
    sizes = np.unique(space.pack(codes_NL), return_counts=True)[1]
    count = len(codes_NL)
    return CollisionMeasures(
        n_codes=len(sizes),
        dup_excess=(count - len(sizes)) / count,
        dup_share=float(sizes[sizes > 1].sum()) / count,
        largest_group=int(sizes.max()),
        perplexity=tuple(_perplexity(codes_NL[:, level]) for level in range(space.levels)),
    )


def _perplexity(codes_N: IntArray) -> float:
    share = np.unique(codes_N, return_counts=True)[1] / len(codes_N)
    return round(float(np.exp(-(share * np.log(share)).sum())), 4)
