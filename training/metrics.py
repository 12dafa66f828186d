"""Ranking metrics from ranks, by exact definitions.

Letters: B queries of a chunk, N items of the catalogue, V relevant pairs of the chunk, R queries.

Rank of a relevant item: 1 + number of better items + half the number of other items with the same score, the mean of
the places it could take. A model that scores everything alike therefore earns what chance earns. Where r relevant
items tie among t items, the j-th of them takes b + j (t + 1) / (r + 1), the expected place of the j-th of r in a
random order behind b better items (for r = 1 this is the rule above), so that no two share a place and nDCG stays
within 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.errors import Diverged
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
    n_items = scores_BN.shape[1]
    k = min(k, n_items)
    kth_B = np.partition(scores_BN, n_items - k, axis=1)[:, n_items - k, None]
    above_BN = scores_BN > kth_B
    tied_BN = (scores_BN == kth_B) & (scores_BN > -np.inf)
    room_B = k - above_BN.sum(axis=1, keepdims=True)
    taken: BoolArray = (above_BN | (tied_BN & (np.cumsum(tied_BN, axis=1) <= room_B))).any(axis=0)
    return taken


def ranking_metrics(ranks_V: RankArray, row_V: IntArray, n_rows: int, ks: Sequence[int]) -> dict[str, float]:
    """Means over R queries, each of which needs at least one relevant item.

    recall@k    relevant items with rank <= k, divided by the number of relevant items
    hit_rate@k  1 when any relevant item has rank <= k
    ndcg@k      sum of 1 / log2(rank + 1) over ranks <= k, divided by the same sum for ranks 1..min(k, relevant items)
    mrr@k       1 / best rank when it is <= k, else 0
    mrr         1 / best rank
    """
    relevant_R = np.bincount(row_V, minlength=n_rows)
    best_R = np.full(n_rows, np.inf)
    np.minimum.at(best_R, row_V, ranks_V)
    metrics: dict[str, float] = {"mrr": float(np.mean(1 / best_R))}
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, max(ks, default=1) + 2)))])
    for k in ks:
        within_V = ranks_V <= k
        hits_R = np.bincount(row_V[within_V], minlength=n_rows)
        gain_R = np.bincount(row_V[within_V], 1 / np.log2(ranks_V[within_V] + 1), minlength=n_rows)
        metrics[f"recall@{k}"] = float(np.mean(hits_R / relevant_R))
        metrics[f"hit_rate@{k}"] = float(np.mean(hits_R > 0))
        metrics[f"ndcg@{k}"] = float(np.mean(gain_R / ideal[np.minimum(k, relevant_R)]))
        metrics[f"mrr@{k}"] = float(np.mean(np.where(best_R <= k, 1 / best_R, 0.0)))
    return metrics
