"""Ranking metrics from ranks, by exact definitions.

Letters: B queries of a chunk, N items of the catalogue, V relevant pairs of the chunk, R queries, K places of a list.

Rank of a relevant item: 1 + number of better items + half the number of other items with the same score, the mean of
the places it could take. A model that scores everything alike therefore earns what chance earns. Where r relevant
items tie among t items, the j-th of them takes b + j (t + 1) / (r + 1), the expected place of the j-th of r in a
random order behind b better items (for r = 1 this is the rule above), so that no two share a place and nDCG stays
within 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.errors import BadData, Diverged
from training.ragged import BoolArray, FloatArray, IntArray, Ragged

RankArray = NDArray[np.float64]


def ranks_of(scores_BN: FloatArray, relevant: Ragged) -> RankArray:
    """Rank [V] of each relevant item in its row's scores; items that score -inf are no candidates and rank last.

    Raises Diverged when a score is NaN.
    """
    if np.isnan(scores_BN).any():
        raise Diverged("a score is NaN; the model or its features are not finite")
    sorted_BN = np.sort(scores_BN, axis=1)
    ranks_V = np.empty(len(relevant.values_V), dtype=np.float64)
    for row in range(len(relevant)):
        start, stop = relevant.offsets[row], relevant.offsets[row + 1]
        ranks_V[start:stop] = _row_ranks(sorted_BN[row], scores_BN[row, relevant.values_V[start:stop]])
    return ranks_V


def _row_ranks(sorted_N: FloatArray, wanted_P: FloatArray) -> RankArray:
    order_P = np.argsort(wanted_P, kind="stable")
    wanted_P = wanted_P[order_P]
    low_P = np.searchsorted(sorted_N, wanted_P, side="left")
    high_P = np.searchsorted(sorted_N, wanted_P, side="right")
    first_P = np.searchsorted(wanted_P, wanted_P, side="left")
    n_relevant_P = np.searchsorted(wanted_P, wanted_P, side="right") - first_P
    nth_P = np.arange(len(wanted_P)) - first_P + 1
    ranks_P = np.empty(len(wanted_P), dtype=np.float64)
    ranks_P[order_P] = len(sorted_N) - high_P + nth_P * (high_P - low_P + 1) / (n_relevant_P + 1)
    return ranks_P


def top_k_union(scores_BN: FloatArray, k: int) -> BoolArray:
    """True [N] for the items that stand among the first k of at least one row; ties go to the lower item row.

    Items that score -inf are never among them.
    """
    union_N: BoolArray = np.any(_top_k_mask(scores_BN, k), axis=0)
    return union_N


def top_k(scores_BN: FloatArray, k: int) -> IntArray:
    """The first k item rows of each row, best first, int64 [B, min(k, N)]; ties go to the lower item row.

    Items that score -inf are never among them; where fewer than k are left, -1 fills the row.
    """
    row_V, item_V = np.nonzero(_top_k_mask(scores_BN, k))
    item_V = item_V[np.lexsort((item_V, -scores_BN[row_V, item_V], row_V))]
    n_B = np.bincount(row_V, minlength=len(scores_BN))
    place_V = np.arange(len(row_V)) - np.repeat(np.cumsum(n_B) - n_B, n_B)
    items_BK = np.full((len(scores_BN), min(k, scores_BN.shape[1])), -1, dtype=np.int64)
    items_BK[row_V, place_V] = item_V
    return items_BK


def _top_k_mask(scores_BN: FloatArray, k: int) -> BoolArray:
    n_items = scores_BN.shape[1]
    k = min(k, n_items)
    kth_B = np.partition(scores_BN, n_items - k, axis=1)[:, n_items - k, None]
    above_BN = scores_BN > kth_B
    tied_BN = (scores_BN == kth_B) & (scores_BN > -np.inf)
    room_B = k - above_BN.sum(axis=1, keepdims=True)
    taken_BN: BoolArray = above_BN | (tied_BN & (np.cumsum(tied_BN, axis=1) <= room_B))
    return taken_BN


def ranking_metrics(ranks_V: RankArray, row_V: IntArray, n_rows: int, ks: Sequence[int]) -> dict[str, float]:
    """Means over R queries of what `query_metrics` gives."""
    return {name: float(np.mean(value_R)) for name, value_R in query_metrics(ranks_V, row_V, n_rows, ks).items()}


def query_metrics(ranks_V: RankArray, row_V: IntArray, n_rows: int, ks: Sequence[int]) -> dict[str, RankArray]:
    """Values [R] of R queries, each of which needs at least one relevant item.

    recall@k    relevant items with rank <= k, divided by the number of relevant items
    hit_rate@k  1 when any relevant item has rank <= k
    ndcg@k      sum of 1 / log2(rank + 1) over ranks <= k, divided by the same sum for ranks 1..min(k, relevant items)
    mrr@k       1 / best rank when it is <= k, else 0
    mrr         1 / best rank
    """
    relevant_R = np.bincount(row_V, minlength=n_rows)
    best_R = np.full(n_rows, np.inf)
    np.minimum.at(best_R, row_V, ranks_V)
    values: dict[str, RankArray] = {"mrr": 1 / best_R}
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, max(ks, default=1) + 2)))])
    for k in ks:
        within_V = ranks_V <= k
        hits_R = np.bincount(row_V[within_V], minlength=n_rows)
        gain_R = np.bincount(row_V[within_V], 1 / np.log2(ranks_V[within_V] + 1), minlength=n_rows)
        values[f"recall@{k}"] = hits_R / relevant_R
        values[f"hit_rate@{k}"] = (hits_R > 0).astype(np.float64)
        values[f"ndcg@{k}"] = gain_R / ideal[np.minimum(k, relevant_R)]
        values[f"mrr@{k}"] = np.where(best_R <= k, 1 / best_R, 0.0)
    return values


def precision(ranks_V: RankArray, row_V: IntArray, n_rows: int, ks: Sequence[int]) -> dict[str, float]:
    """precision@k: relevant items with rank <= k, divided by k; mean over R queries."""
    hits = {k: np.bincount(row_V[ranks_V <= k], minlength=n_rows) for k in ks}
    return {f"precision@{k}": float(np.mean(hits_R / k)) for k, hits_R in hits.items()}


def graded_ndcg(
    ranks_V: RankArray, row_V: IntArray, gain_V: FloatArray, n_rows: int, ks: Sequence[int]
) -> dict[str, float]:
    """graded_ndcg@k: nDCG whose gain is the grade itself, divided by that of the best order of the relevant items.

    Järvelin and Kekäläinen, 2002, Cumulated gain-based evaluation of IR techniques, with the logarithm of base 2.
    Queries whose grades are all 0 have nothing to find and are left out of the mean; NaN when that leaves none. Raises
    BadData for a negative grade.
    """
    if (gain_V < 0).any():
        raise BadData(f"a grade is {gain_V.min():g}; nDCG with grades needs grades of 0 or more")
    order_V = np.lexsort((-gain_V, row_V))
    ideal_row_V, ideal_gain_V = row_V[order_V], gain_V[order_V]
    n_R = np.bincount(row_V, minlength=n_rows)
    place_V = np.arange(len(row_V)) - np.repeat(np.cumsum(n_R) - n_R, n_R)
    result = {}
    for k in ks:
        near_V, first_V = ranks_V <= k, place_V < k
        gain_R = np.bincount(row_V[near_V], gain_V[near_V] / np.log2(ranks_V[near_V] + 1), minlength=n_rows)
        best_R = np.bincount(
            ideal_row_V[first_V], ideal_gain_V[first_V] / np.log2(place_V[first_V] + 2), minlength=n_rows
        )
        has_R = best_R > 0
        result[f"graded_ndcg@{k}"] = float(np.mean(gain_R[has_R] / best_R[has_R])) if has_R.any() else float("nan")
    return result


BANDS = ((0, 0), (1, 4), (5, 19), (20, 99), (100, None))
"""Items by their number of training interactions: least and most of each band."""


@dataclass(frozen=True)
class Band:
    """The items of one frequency band: how many there are, how many relevant pairs they have, how many were found.

    `recall`: hits / relevant pairs, each pair counted alike; NaN where there is no relevant pair.
    """

    label: str
    items: int
    relevant: int
    hits: int

    @property
    def recall(self) -> float:
        """Share of the relevant pairs with rank <= k."""
        return self.hits / self.relevant if self.relevant else float("nan")


def recall_by_band(ranks_V: RankArray, item_V: IntArray, count_N: IntArray, k: int) -> list[Band]:
    """Recall@k apart for rare and frequent items; `count_N` is how often each item was trained on."""
    bands = []
    for least, most in BANDS:
        inside_N = (count_N >= least) & (count_N <= (np.iinfo(np.int64).max if most is None else most))
        inside_V = inside_N[item_V]
        label = f"{least}+" if most is None else str(least) if least == most else f"{least}–{most}"
        hits = int((ranks_V[inside_V] <= k).sum())
        bands.append(Band(label, int(inside_N.sum()), int(inside_V.sum()), hits))
    return bands
