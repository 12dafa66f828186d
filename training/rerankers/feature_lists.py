"""Lists to learn from: what the towers find for every query of a part, with features and with what was wanted.

Axes: Q queries, K items of each, N items, F features, C categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bundle.rerankers.pair_features import AskingQuery, ItemSide, PairArrays, PairFeatures
from training.evaluate import top_hits, unseen_relevant
from training.ragged import BoolArray, FloatArray, IntArray
from training.rerankers.contract import AskedPart
from training.score import dot_score


@dataclass(frozen=True)
class FeatureLists:
    """Q lists of K items; `mask_QK` is False where a query has fewer.

    `gain_QK`: 1 for what was wanted. `relevant_Q`: how many items were wanted, found or not.
    """

    feature_QKF: FloatArray
    category_QKC: IntArray
    gain_QK: FloatArray
    mask_QK: BoolArray
    relevant_Q: IntArray

    def __len__(self) -> int:
        return len(self.gain_QK)

    def take(self, rows: IntArray) -> "FeatureLists":
        """Some of the lists."""
        return FeatureLists(
            self.feature_QKF[rows],
            self.category_QKC[rows],
            self.gain_QK[rows],
            self.mask_QK[rows],
            self.relevant_Q[rows],
        )


@dataclass(frozen=True, eq=False)
class PartFeatures:
    """The features of the queries of a part."""

    part: AskedPart
    features: PairFeatures
    items: ItemSide

    def asking(self, place: int) -> AskingQuery:
        """The query at one place of the part, with the history that it had before."""
        part, length = self.part, self.features.spec.history_length
        return AskingQuery(part.query_QD[place], part.query_code_QL[place], part.queries.history.row(place)[-length:])

    def pairs(self, place: int, item_K: IntArray) -> PairArrays:
        """The features of items for that query."""
        return self.features.pairs(self.asking(place), self.items, item_K)

    def lists(self, depth: int, most: int, *, exclude_seen: bool, rng: np.random.Generator) -> FeatureLists:
        """The first `depth` items of at most `most` queries, drawn from those that wanted something."""
        queries = self.part.queries
        relevant = unseen_relevant(queries, exclude_seen)[0]
        asked = np.flatnonzero(relevant.lengths > 0)
        query_R = np.sort(rng.permutation(asked)[:most])
        towers = dot_score(self.part.query_QD, self.part.item_ND)
        items_RK = top_hits(towers, queries, query_R, depth, exclude_seen).items_RK
        found = [items[items >= 0] for items in items_RK]
        pairs = [self.pairs(place, items) for place, items in zip(query_R.tolist(), found, strict=True)]
        wanted = [np.isin(items, relevant.row(place)) for place, items in zip(query_R.tolist(), found, strict=True)]
        return _padded(pairs, wanted, relevant.lengths[query_R], items_RK.shape[1])


def _padded(pairs: Sequence[PairArrays], wanted: Sequence[BoolArray], relevant_Q: IntArray, width: int) -> FeatureLists:
    n_features, n_categories = pairs[0].feature_MF.shape[1], pairs[0].category_MC.shape[1]
    feature_QKF = np.full((len(pairs), width, n_features), np.nan, dtype=np.float32)
    category_QKC = np.zeros((len(pairs), width, n_categories), dtype=np.int64)
    gain_QK = np.zeros((len(pairs), width), dtype=np.float32)
    mask_QK = np.zeros((len(pairs), width), dtype=np.bool_)
    for q, (one, wanted_M) in enumerate(zip(pairs, wanted, strict=True)):
        n_items = len(wanted_M)
        feature_QKF[q, :n_items], category_QKC[q, :n_items] = one.feature_MF, one.category_MC
        gain_QK[q, :n_items], mask_QK[q, :n_items] = wanted_M, True
    return FeatureLists(feature_QKF, category_QKC, gain_QK, mask_QK, relevant_Q)
