"""Synthetic pairs: what goes with an item is assumed to go, less often, with an item like it.

Letters: N items, K neighbours of an item, P pairs.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from bundle.config import Config
from training.item_pairs.pairs import ItemPairs
from training.ragged import FloatArray, IntArray


class SyntheticPairsConfig(Config):
    """Pairs for items like those of a pair (data augmentation of "Two Is Better Than One", ICKG 2022)."""

    column: str = Field(
        description="Column of the items table by which items are alike: a text, by the cosine of its character "
        "n-grams, or a vector, by its cosine."
    )
    neighbours: int = Field(default=3, ge=1, description="Most items that stand in for an item.")
    min_similarity: float = Field(default=0.5, ge=0, le=1, description="Items less alike do not stand in.")
    gain: float = Field(
        default=0.5, gt=0, lt=1, description="What a synthetic pair counts of the real one, times the similarity."
    )


@dataclass(frozen=True)
class Neighbours:
    """The nearest items [N, K] of each item and their similarity, 0 to 1; a similarity of 0 marks an empty place."""

    item_NK: IntArray
    similarity_NK: FloatArray


def synthetic_pairs(pairs: ItemPairs, neighbours: Neighbours, gain: float) -> ItemPairs:
    """Pairs (a', b), (a, b') and (a', b') of each pair (a, b), for the neighbours a' of a and b' of b.

    They count floor(gain c s(a, a')), floor(gain c s(b, b')) and floor(gain c (s(a, a') + s(b, b')) / 2), where c is
    the count of (a, b); counts of equal pairs add up. No item is paired with itself.
    """
    n_items, k = neighbours.item_NK.shape
    strong = pairs.select(gain * pairs.count_P >= 1)
    found = [
        _counted(strong, first, second, neighbours, gain)
        for first in range(-1, k)
        for second in range(-1, k)
        if first >= 0 or second >= 0
    ]
    return ItemPairs.together(found, n_items)


def _counted(pairs: ItemPairs, first: int, second: int, neighbours: Neighbours, gain: float) -> ItemPairs:
    """Each item of a pair replaced by its neighbour of that place, or left as it is at -1."""
    similarities, members = [], []
    for item_P, place in ((pairs.item_P, first), (pairs.other_P, second)):
        members.append(item_P if place < 0 else neighbours.item_NK[item_P, place])
        if place >= 0:
            similarities.append(neighbours.similarity_NK[item_P, place].astype(np.float64))
    similarity_P = np.mean(similarities, axis=0)
    similarity_P[np.min(similarities, axis=0) == 0] = 0.0
    # A similarity of float32 must not lose a count that the formula gives exactly.
    count_P = np.floor(gain * pairs.count_P * similarity_P + 1e-6).astype(np.int64)
    return ItemPairs(members[0], members[1], count_P).select((count_P > 0) & (members[0] != members[1]))
