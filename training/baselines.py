"""The baselines that stand beside every model: popularity and item-kNN, with and without recency.

Letters: B queries of a chunk, N items, P interactions, V history positions.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from training.evaluate import Score
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray, offsets_from_lengths

_COLUMNS = 2048  # items whose neighbours are computed at once


def popularity_scores(item_P: IntArray, n_items: int) -> FloatArray:
    """Number of interactions of each item, float32 [N]."""
    return np.bincount(item_P, minlength=n_items).astype(np.float32)


def popularity(item_P: IntArray, n_items: int) -> Score:
    """Scores every query alike, by popularity."""
    scores_N = popularity_scores(item_P, n_items)

    def score(rows: IntArray) -> FloatArray:
        return np.broadcast_to(scores_N, (len(rows), n_items))

    return score


@dataclass(frozen=True)
class ItemKnn:
    """Item-based nearest neighbours by the cosine of two items' binary query sets; no item is its own neighbour.

    A query's score of item j is the sum over its history items i of similarity[i, j], weighted as `history_matrix`
    says. Of the similarities only those to the k nearest neighbours count, either of the candidate j (Sarwar et al.,
    2001, Item-based collaborative filtering) or of the history item i (Deshpande and Karypis, 2004, Item-based top-N
    recommendation algorithms).
    """

    similarity_NN: sparse.csr_array
    recency_decay: float

    @classmethod
    def fit(
        cls,
        query_P: IntArray,
        item_P: IntArray,
        n_items: int,
        k: int = 20,
        recency_decay: float = 0.0,
        neighbours_of: Literal["candidate", "history"] = "candidate",
    ) -> "ItemKnn":
        """Learn from the pairs (query row, item row); repeats count once."""
        seen_QN = sparse.csc_array(binary_matrix(query_P, item_P, n_items))
        scale_N = 1 / np.sqrt(np.maximum(np.diff(seen_QN.indptr), 1)).astype(np.float32)
        unit_QN = sparse.csc_array(seen_QN @ sparse.diags_array(scale_N))
        blocks = [
            _nearest_of_columns(unit_QN, start, min(start + _COLUMNS, n_items), k)
            for start in range(0, n_items, _COLUMNS)
        ]
        nearest_NN = sparse.hstack(blocks, format="csr")  # cosine is symmetric, so rows are columns turned around
        return cls(nearest_NN if neighbours_of == "candidate" else sparse.csr_array(nearest_NN.T), recency_decay)

    def scorer(self, evaluation_set: EvaluationSet) -> Score:
        """Scores by the histories of `evaluation_set`."""

        def score(rows: IntArray) -> FloatArray:
            history_BN = history_matrix(evaluation_set, rows, self.similarity_NN.shape[0], self.recency_decay)
            return np.asarray((history_BN @ self.similarity_NN).todense(), dtype=np.float32)

        return score


def binary_matrix(query_P: IntArray, item_P: IntArray, n_items: int) -> sparse.csr_array:
    """1 where a query has an item, float32 [queries, N]; repeats count once."""
    shape = (int(query_P.max(initial=-1)) + 1, n_items)
    seen_QN = sparse.csr_array((np.ones(len(query_P), dtype=np.float32), (query_P, item_P)), shape=shape)
    seen_QN.sum_duplicates()
    seen_QN.data[:] = 1
    return seen_QN


def history_matrix(
    evaluation_set: EvaluationSet, rows: IntArray, n_items: int, recency_decay: float
) -> sparse.csr_array:
    """Weights of the items in the histories of the given rows, [B, N].

    An item weighs (1 + age) ** -recency_decay, where age counts interactions from the end of the history, 0 for the
    last; an item that stands there repeatedly takes its latest age. Without decay every item of the history weighs 1.
    """
    history = evaluation_set.history.take(rows)
    row_V = history.row_index_V
    age_V = (history.offsets[row_V + 1] - 1 - np.arange(len(row_V))).astype(np.float64)
    _, latest = np.unique((row_V * n_items + history.values_V)[::-1], return_index=True)
    latest = len(row_V) - 1 - latest
    weight_V = (1 + age_V) ** -recency_decay
    entries = (weight_V[latest].astype(np.float32), (row_V[latest], history.values_V[latest]))
    return sparse.csr_array(entries, shape=(len(rows), n_items))


def _nearest_of_columns(unit_QN: sparse.csc_array, start: int, stop: int, k: int) -> sparse.csc_array:
    """The k largest cosines of each of the columns start..stop, without the column itself; ties to the lower row."""
    cosine_NC = sparse.csc_array(unit_QN.T @ unit_QN[:, start:stop])
    cosine_NC.sort_indices()
    rows, values, lengths = [], [], []
    for column in range(stop - start):
        span = slice(cosine_NC.indptr[column], cosine_NC.indptr[column + 1])
        row, value = cosine_NC.indices[span], cosine_NC.data[span]
        other = row != start + column
        row, value = row[other], value[other]
        best = np.argsort(-value, kind="stable")[:k]
        rows.append(row[best])
        values.append(value[best])
        lengths.append(len(best))
    offsets = offsets_from_lengths(np.array(lengths, dtype=np.int64))
    parts = (np.concatenate(values), np.concatenate(rows), offsets)
    return sparse.csc_array(parts, shape=(unit_QN.shape[1], stop - start))
