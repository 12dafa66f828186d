"""Semantic IDs with codes set by hand."""

import numpy as np
from torch import nn

from training.quantizers.contract import Quantizer
from training.quantizers.metrics import quantizer_metrics
from training.ragged import IntArray
from training.semantic_ids import SemanticIds
from training.stability.churn import Churn


def planted(code_NL: IntArray, size: int, churn: Churn | None = None) -> SemanticIds:
    """These codes of `size` codes a level, measured; embeddings are drawn, and decoded to their mean."""
    embedding_ND = np.random.default_rng(0).normal(size=(len(code_NL), 2)).astype(np.float32)
    books = tuple(np.zeros((size, 2), np.float32) for _ in range(code_NL.shape[1]))
    quantizer = Quantizer(books, nn.Identity(), nn.Identity())
    decoded_ND = embedding_ND.mean(0, keepdims=True).repeat(len(code_NL), 0)
    metrics = quantizer_metrics(code_NL, quantizer.codebook_sizes, embedding_ND, decoded_ND)
    return SemanticIds(quantizer, embedding_ND, code_NL, metrics | (churn.metrics() if churn else {}), churn)


def even(size: int) -> IntArray:
    """int64 [size * size, 2]: every pair of codes once."""
    grid_2KK = np.indices((size, size), dtype=np.int64)
    return grid_2KK.reshape(2, -1).T
