"""Synthetic pairs: what goes with an item is assumed to go, less often, with an item like it.

Letters: N items, K neighbours of an item, P pairs, D vector.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import Field

from bundle.config import Config
from bundle.items import Items
from training.errors import BadData
from training.item_pairs.pairs import ItemPairs
from training.ragged import FloatArray, IntArray
from training.synthetic_queries.similarity import Rows, char_grams

_BLOCK = 1024


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


def nearest_items(items: Items, config: SyntheticPairsConfig) -> Neighbours:
    """The nearest items of every item, itself left out; raises BadData unless the column holds texts or vectors."""
    rows = _unit_rows(items, config.column)
    n_items, k = len(items), min(config.neighbours, len(items) - 1)
    item_NK = np.zeros((n_items, k), dtype=np.int64)
    similarity_NK = np.zeros((n_items, k), dtype=np.float32)
    for start in range(0, n_items, _BLOCK):
        product = rows[start : start + _BLOCK] @ rows.T
        cosine_BN = product if isinstance(product, np.ndarray) else product.toarray()
        own_B = np.arange(len(cosine_BN))
        cosine_BN[own_B, start + own_B] = -1.0
        best_BK = np.argsort(-cosine_BN, axis=1, kind="stable")[:, :k]
        item_NK[start : start + _BLOCK] = best_BK
        similarity_NK[start : start + _BLOCK] = np.take_along_axis(cosine_BN, best_BK, axis=1)
    similarity_NK[(similarity_NK < config.min_similarity) | (similarity_NK < 0)] = 0.0
    return Neighbours(item_NK, np.minimum(similarity_NK, 1.0))


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


def _unit_rows(items: Items, column: str) -> Rows:
    if column not in items.table.column_names:
        has = ", ".join(items.table.column_names)
        raise BadData(f"data.pairs.synthetic.column = '{column}', but {items.source} has the columns: {has}")
    values = items.table[column]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return char_grams([text or "" for text in values.to_pylist()])
    if not (pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type)):
        raise BadData(f"column '{column}' of {items.source} holds {values.type}; items are alike by texts or vectors")
    vectors_ND = np.array(values.to_pylist(), dtype=np.float32)
    norm_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return vectors_ND / np.where(norm_N1 > 0, norm_N1, 1)
