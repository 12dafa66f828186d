"""The items that score highest for each query, without those it is known to like.

Letters: Q queries, B queries of a chunk, N items, K items found, V pairs, D embedding.
"""

from dataclasses import dataclass
from typing import Literal

import faiss
import numpy as np
import torch

from training.ragged import BoolArray, FloatArray, IntArray, Ragged, offsets_from_lengths

SearchKind = Literal["exact", "faiss"]

_SCORES_A_CHUNK = 16_000_000
_ITEMS_A_CELL = 39  # fewer, and the clustering warns that its cells mean little
_SHARE_PROBED = 8


@dataclass(frozen=True)
class Found:
    """Items of each query, best first, and their scores (dot products)."""

    items: Ragged
    score_V: FloatArray

    def select(self, keep_V: BoolArray) -> "Found":
        """Only the pairs marked True."""
        return Found(self.items.select(keep_V), self.score_V[keep_V])


def search(query_QD: FloatArray, item_ND: FloatArray, banned: Ragged, depth: int, kind: SearchKind, seed: int) -> Found:
    """The first `depth` items of each query that are not among its `banned` items (sorted, one row a query).

    'faiss' clusters the items and searches an eighth of the cells; a graph would be faster still, but is not built the
    same way twice.
    """
    if kind == "exact":
        item_QK, score_QK = _exact(query_QD, item_ND, banned, min(depth, len(item_ND)))
    else:
        most = min(len(item_ND), depth + int(banned.lengths.max(initial=0)))
        item_QK, score_QK = _clustered(query_QD, item_ND, most, seed)
    return _found(item_QK, score_QK, banned, depth, len(item_ND))


def _exact(query_QD: FloatArray, item_ND: FloatArray, banned: Ragged, k: int) -> tuple[IntArray, FloatArray]:
    item_DN = torch.from_numpy(item_ND).T
    chunk = max(1, _SCORES_A_CHUNK // len(item_ND))
    items, scores = [], []
    for start in range(0, len(query_QD), chunk):
        rows_B = np.arange(start, min(start + chunk, len(query_QD)), dtype=np.int64)
        score_BN = torch.from_numpy(query_QD[rows_B]) @ item_DN
        out = banned.take(rows_B)
        score_BN[torch.from_numpy(out.row_index_V), torch.from_numpy(out.values_V)] = -torch.inf
        best = score_BN.topk(k, dim=1)
        items.append(best.indices.numpy())
        scores.append(best.values.numpy())
    return np.concatenate(items), np.concatenate(scores)


def _clustered(query_QD: FloatArray, item_ND: FloatArray, k: int, seed: int) -> tuple[IntArray, FloatArray]:
    n_items, dimension = item_ND.shape
    cells = max(1, min(int(4 * n_items**0.5), n_items // _ITEMS_A_CELL))
    centres = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(centres, dimension, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed
    index.train(item_ND)
    index.add(item_ND)
    index.nprobe = max(1, cells // _SHARE_PROBED)
    score_QK, item_QK = index.search(query_QD, k)
    return item_QK, score_QK


def _found(item_QK: IntArray, score_QK: FloatArray, banned: Ragged, depth: int, n_items: int) -> Found:
    """The pairs without gaps (-1 or -inf) and banned items, at most `depth` a query."""
    banned_V = banned.row_index_V * n_items + banned.values_V
    key_QK = np.arange(len(item_QK), dtype=np.int64)[:, None] * n_items + item_QK
    keep_QK = (item_QK >= 0) & (score_QK > -np.inf) & ~np.isin(key_QK, banned_V)
    keep_QK &= np.cumsum(keep_QK, axis=1) <= depth
    items = Ragged(offsets_from_lengths(keep_QK.sum(1).astype(np.int64)), item_QK[keep_QK].astype(np.int64))
    return Found(items, score_QK[keep_QK].astype(np.float32))
