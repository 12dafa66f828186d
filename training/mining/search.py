"""The items that score highest for each query, without those it is known to like.

Letters: Q queries, B queries of a chunk, N items, K items found, V pairs, D embedding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import faiss
import numpy as np
import torch

from training.ragged import BoolArray, FloatArray, IntArray, Ragged, offsets_from_lengths

SearchKind = Literal["exact", "faiss"]
# Queries [B, D] and their banned items -> enough of the best items and their scores [B, K], gaps as -1 or -inf.
_Best = Callable[[FloatArray, Ragged], tuple[IntArray, FloatArray]]

_SCORES_A_CHUNK = 16_000_000
_FOUND_A_CHUNK = 1_000_000  # less, for each is compared with the banned items
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
    n_items = len(item_ND)
    if kind == "exact":
        best, most, width_Q = _exact(item_ND, depth), _SCORES_A_CHUNK, np.full(len(query_QD), n_items)
    else:
        best, most = _clustered(item_ND, depth, seed), _FOUND_A_CHUNK
        width_Q = np.minimum(n_items, depth + banned.lengths)
    parts = [Found(Ragged.from_rows([]), np.empty(0, dtype=np.float32))]
    for rows_B in chunks(width_Q, most):
        out = banned.take(rows_B)
        parts.append(_found(*best(query_QD[rows_B], out), out, depth, n_items))
    return Found(
        Ragged(
            offsets_from_lengths(np.concatenate([part.items.lengths for part in parts])),
            np.concatenate([part.items.values_V for part in parts]),
        ),
        np.concatenate([part.score_V for part in parts]),
    )


def chunks(width_Q: IntArray, most: int) -> Iterator[IntArray]:
    """All rows in order, in chunks of which rows times the largest width is at most `most`, or of one row."""
    start = 0
    while start < len(width_Q):
        ahead_B = width_Q[start : start + max(1, most // max(1, int(width_Q[start])))]
        cells_B = np.maximum.accumulate(ahead_B) * np.arange(1, len(ahead_B) + 1)
        stop = start + max(1, int(np.searchsorted(cells_B, most, side="right")))
        yield np.arange(start, stop, dtype=np.int64)
        start = stop


def _exact(item_ND: FloatArray, depth: int) -> _Best:
    item_DN = torch.from_numpy(item_ND).T

    def best(query_BD: FloatArray, banned: Ragged) -> tuple[IntArray, FloatArray]:
        score_BN = torch.from_numpy(query_BD) @ item_DN
        score_BN[torch.from_numpy(banned.row_index_V), torch.from_numpy(banned.values_V)] = -torch.inf
        found = score_BN.topk(min(depth, len(item_ND)), dim=1)
        return found.indices.numpy(), found.values.numpy()

    return best


def _clustered(item_ND: FloatArray, depth: int, seed: int) -> _Best:
    n_items, dimension = item_ND.shape
    cells = max(1, min(int(4 * n_items**0.5), n_items // _ITEMS_A_CELL))
    centres = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(centres, dimension, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed
    index.train(item_ND)
    index.add(item_ND)
    index.nprobe = max(1, cells // _SHARE_PROBED)

    def best(query_BD: FloatArray, banned: Ragged) -> tuple[IntArray, FloatArray]:
        score_BK, item_BK = index.search(query_BD, min(n_items, depth + int(banned.lengths.max(initial=0))))
        return item_BK, score_BK

    return best


def _found(item_QK: IntArray, score_QK: FloatArray, banned: Ragged, depth: int, n_items: int) -> Found:
    """The pairs without gaps (-1 or -inf) and banned items, at most `depth` a query."""
    banned_V = banned.row_index_V * n_items + banned.values_V
    key_QK = np.arange(len(item_QK), dtype=np.int64)[:, None] * n_items + item_QK
    keep_QK = (item_QK >= 0) & (score_QK > -np.inf) & ~np.isin(key_QK, banned_V)
    keep_QK &= np.cumsum(keep_QK, axis=1) <= depth
    items = Ragged(offsets_from_lengths(keep_QK.sum(1).astype(np.int64)), item_QK[keep_QK].astype(np.int64))
    return Found(items, score_QK[keep_QK].astype(np.float32))
