"""The training queries that items are mined for, each as one of its examples shows it.

Letters: Q training queries, N examples, V pairs, B rows of a chunk, D embedding.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from training.batches import Batches, Records
from training.ragged import FloatArray, IntArray, Ragged

_ROWS_A_CHUNK = 1024


@dataclass(frozen=True)
class TrainingQueries:
    """Q distinct queries, by dataset row, each with the example that stands for it: its last in the table.

    `known`: every training positive of each query, sorted. `asked`: those positives that the example's record asks
    for: without a history all of them, with one only the example's own targets, since the others stand in it.
    """

    query_rows_Q: IntArray
    example_Q: IntArray
    known: Ragged
    asked: Ragged

    def __len__(self) -> int:
        return len(self.query_rows_Q)

    @classmethod
    def of(cls, batches: Batches, n_queries: int) -> "TrainingQueries":
        """The queries of the examples that are dealt."""
        examples = batches.examples
        query_rows_Q, from_end_Q = np.unique(examples.query_rows_N[::-1], return_index=True)
        example_Q = len(examples) - 1 - from_end_Q
        query_V = examples.query_rows_N[examples.targets.row_index_V]
        item_V = examples.targets.values_V
        targets = Ragged.group_unique(query_V, item_V, n_queries).take(query_rows_Q)
        known = targets
        if batches.known is not None:
            more = batches.known.items
            query_V, item_V = np.append(query_V, more.row_index_V), np.append(item_V, more.values_V)
            known = Ragged.group_unique(query_V, item_V, n_queries).take(query_rows_Q)
        asked = targets if examples.encoded.histories is None else examples.targets.take(example_Q)
        return cls(query_rows_Q, example_Q, known, asked)


def embed_rows(tower: nn.Module, records: Records, rows: IntArray, device: torch.device) -> FloatArray:
    """Embeddings float32 [len(rows), D] of the given rows in evaluation mode; the tower's mode is put back."""
    was_training = tower.training
    tower.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(rows), _ROWS_A_CHUNK):
            rows_B = rows[start : start + _ROWS_A_CHUNK]
            arrays = [torch.from_numpy(array).to(device) for array in records.batch(rows_B).values()]
            parts.append(tower(*arrays).float().cpu().numpy())
    tower.train(was_training)
    embedding: FloatArray = np.concatenate(parts)
    return embedding
