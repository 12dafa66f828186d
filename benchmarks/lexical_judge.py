"""BM25 as a teacher: the training queries judge the training documents by it.

Letters: Q training queries, B queries of a chunk, C training documents, K documents kept a query, V judged pairs.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from benchmarks.lexical import bm25
from benchmarks.text_task import TEXT, Task
from training.dataset import Judgements
from training.ragged import FloatArray, IntArray

_CHUNK = 256


def judged_by_bm25(task: Task, keep: int) -> Task:
    """The task with judgements: of every training query its `keep` best training documents and its own.

    A score is BM25's over the best that the query has, so between 0 and 1; a query that shares no word with any
    document judges none. The text is the one that the towers read. Nothing that is held out is judged.
    """
    dataset, interactions = task.dataset, task.dataset.interactions
    query_P, item_P = interactions.query_N[task.split.train_N], interactions.item_N[task.split.train_N]
    query_Q, item_C = np.unique(query_P), np.unique(item_P)
    documents = dataset.items.table[TEXT].take(pa.array(item_C)).to_pylist()
    score = bm25(documents, task.query_texts(query_Q))
    own_P = np.stack([np.searchsorted(query_Q, query_P), np.searchsorted(item_C, item_P)])
    parts = []
    for start in range(0, len(query_Q), _CHUNK):
        score_BC = score(np.arange(start, min(start + _CHUNK, len(query_Q)), dtype=np.int64))
        own_2V: IntArray = own_P[:, (own_P[0] >= start) & (own_P[0] < start + len(score_BC))]
        own_2V[0] -= start
        row_V, column_V, judged_V = _judged(score_BC, own_2V, keep)
        parts.append((query_Q[start + row_V], item_C[column_V], judged_V))
    query_V, item_V, score_V = (np.concatenate(column) for column in zip(*parts, strict=True))
    judgements = Judgements(query_V, item_V, score_V, pa.table({}))
    return replace(task, dataset=replace(dataset, judgements=judgements))


def _judged(score_BC: FloatArray, own_2V: IntArray, keep: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows, columns and scores of the `keep` best of each row and of its own, once each."""
    chosen_BC = np.zeros(score_BC.shape, dtype=np.bool_)
    keep = min(keep, score_BC.shape[1])
    np.put_along_axis(chosen_BC, np.argpartition(-score_BC, keep - 1, axis=1)[:, :keep], True, axis=1)
    chosen_BC[own_2V[0], own_2V[1]] = True
    best_B1 = score_BC.max(axis=1, keepdims=True)
    row_V, column_V = np.nonzero(chosen_BC & (best_B1 > 0))
    judged_V: FloatArray = (score_BC / np.where(best_B1 > 0, best_B1, 1))[row_V, column_V].astype(np.float32)
    return row_V, column_V, judged_V
