"""Scores of a model over the whole catalogue, in the form that evaluation takes.

Axes: B queries of a chunk, Q queries, N items, D embedding.
"""

import torch

from bundle.columns import EncodedRecords
from training.evaluate import Score
from training.evaluation_set import EvaluationSet
from training.model import DualEncoder, embed
from training.ragged import FloatArray, IntArray


def model_score(model: DualEncoder, queries: EvaluationSet, items: EncodedRecords, device: torch.device) -> Score:
    """Dot products of the embeddings, which are computed once, here."""
    return dot_score(embed(model.query, queries.encoded, device), embed(model.item, items, device))


def dot_score(query_QD: FloatArray, item_ND: FloatArray) -> Score:
    """Dot products of embeddings at hand."""
    item_DN = item_ND.T

    def score(rows_B: IntArray) -> FloatArray:
        score_BN: FloatArray = query_QD[rows_B] @ item_DN
        return score_BN

    return score
