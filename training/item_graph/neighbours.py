"""The graphs: nearest items by content, infused with items that the same queries took.

Axes: N items, P interactions, D width of a vector, K neighbours of a row, G graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from scipy import sparse

from training.baselines import ItemKnn
from training.item_graph.config import ItemGraphConfig
from training.ragged import FloatArray, IntArray

_QUERIES = 4096  # items whose neighbours are searched at once


@dataclass(frozen=True)
class ItemGraph:
    """Neighbours of every item in each of G graphs; -1 and weight 0 fill up rows that have fewer than K."""

    config: ItemGraphConfig
    near_GNK: IntArray
    weight_GNK: FloatArray


def build_item_graph(
    config: ItemGraphConfig, vectors: Sequence[FloatArray], query_P: IntArray, item_P: IntArray
) -> ItemGraph:
    """One graph for each of `vectors` [N, D]; the pairs (query row, item row) are those that are trained on."""
    n_items = len(vectors[0])
    together_NN = collaborative_graph(query_P, item_P, n_items, config.neighbours)
    graphs = [infuse(semantic_graph(v, config.neighbours), together_NN, config.collaborative) for v in vectors]
    width = max(1, max(int(np.diff(graph.indptr).max(initial=0)) for graph in graphs))
    tables = [_table(graph, width) for graph in graphs]
    return ItemGraph(config, np.stack([near for near, _ in tables]), np.stack([weight for _, weight in tables]))


def semantic_graph(vectors_ND: FloatArray, k: int) -> sparse.csr_array:
    """Cosines of each item to its k nearest others, as far as they are positive; none for a zero vector.

    Exact search: N^2 D operations, minutes for 100,000 items.
    """
    norm_N = np.linalg.norm(vectors_ND, axis=1)
    unit_ND = np.ascontiguousarray(vectors_ND / np.where(norm_N > 0, norm_N, 1)[:, None], dtype=np.float32)
    n_items = len(unit_ND)
    score_parts, row_parts = [], []
    for start in range(0, n_items, _QUERIES):
        # One more, since an item finds itself; a duplicate may stand before it.
        score_BK, near_BK = faiss.knn(
            unit_ND[start : start + _QUERIES], unit_ND, min(k + 1, n_items), metric=faiss.METRIC_INNER_PRODUCT
        )
        score_parts.append(score_BK)
        row_parts.append(near_BK)
    score_NK, near_NK = np.concatenate(score_parts), np.concatenate(row_parts)
    kept_NK = (near_NK != np.arange(n_items)[:, None]) & (score_NK > 0)
    kept_NK &= np.cumsum(kept_NK, axis=1) <= k
    item_E = np.repeat(np.arange(n_items), kept_NK.sum(1))
    return sparse.csr_array((score_NK[kept_NK], (item_E, near_NK[kept_NK])), shape=(n_items, n_items))


def collaborative_graph(query_P: IntArray, item_P: IntArray, n_items: int, k: int) -> sparse.csr_array:
    """Cosines of the query sets of each item and its k nearest others."""
    return ItemKnn.fit(query_P, item_P, n_items, k, neighbours_of="candidate").similarity_NN.T.tocsr()


def infuse(semantic_NN: sparse.csr_array, together_NN: sparse.csr_array, share: float) -> sparse.csr_array:
    """(1 - share) of the one and share of the other, each brought to the same scale, symmetrically normalised.

    D_out^-1/2 S D_in^-1/2 with row sums D_out and column sums D_in; the row of an isolated item is zero.
    """
    mixed_NN = (1 - share) * normalised(semantic_NN) + share * normalised(together_NN)
    return normalised(sparse.csr_array(mixed_NN))


def normalised(graph_NN: sparse.csr_array) -> sparse.csr_array:
    """The graph over the roots of its row sums and of its column sums."""
    out_N, in_N = (np.asarray(graph_NN.sum(axis)).ravel() for axis in (1, 0))
    scaled = sparse.diags_array(_root_inverse(out_N)) @ graph_NN @ sparse.diags_array(_root_inverse(in_N))
    result = sparse.csr_array(scaled)
    result.eliminate_zeros()
    return result


def _root_inverse(sum_N: FloatArray) -> FloatArray:
    inverse_N: FloatArray = np.where(sum_N > 0, 1 / np.sqrt(np.where(sum_N > 0, sum_N, 1)), 0).astype(np.float32)
    return inverse_N


def _table(graph_NN: sparse.csr_array, width: int) -> tuple[IntArray, FloatArray]:
    n_items = graph_NN.shape[0]
    near_NK = np.full((n_items, width), -1, dtype=np.int64)
    weight_NK = np.zeros((n_items, width), dtype=np.float32)
    length_N = np.diff(graph_NN.indptr)
    item_E = np.repeat(np.arange(n_items), length_N)
    place_E = np.arange(len(item_E)) - np.repeat(graph_NN.indptr[:-1], length_N)
    near_NK[item_E, place_E] = graph_NN.indices
    weight_NK[item_E, place_E] = graph_NN.data
    return near_NK, weight_NK
