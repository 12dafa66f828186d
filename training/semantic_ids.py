"""Semantic IDs of a trained item tower: fit a quantizer on the catalogue's embeddings and measure it.

Axes: N items, D embedding, L levels.
"""

from dataclasses import dataclass

import numpy as np
import torch

from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.metrics import quantizer_metrics
from training.ragged import FloatArray, IntArray

ROWS_A_CHUNK = 2048  # the beam holds rows x partial codes x codes at a time


@dataclass(frozen=True)
class SemanticIds:
    """A fitted quantizer, the catalogue's embeddings and codes, and how good the codes are."""

    quantizer: Quantizer
    embedding_ND: FloatArray
    code_NL: IntArray
    metrics: dict[str, float]


def fit_semantic_ids(config: QuantizerConfig, data: QuantizerData, seed: int, threads: int) -> SemanticIds:
    """Fit on all embeddings of the catalogue; raises BadData when there are fewer than codes."""
    quantizer, embedding_ND = config.fit(data, seed, threads), data.embedding_ND
    codes, decoded = [], []
    with torch.no_grad():
        for start in range(0, len(embedding_ND), ROWS_A_CHUNK):
            codes.append(quantizer.encode(torch.from_numpy(embedding_ND[start : start + ROWS_A_CHUNK])))
            decoded.append(quantizer.decode(codes[-1]).numpy())
    code_NL, decoded_ND = torch.cat(codes).numpy(), np.concatenate(decoded)
    metrics = quantizer_metrics(code_NL, quantizer.codebook_sizes, embedding_ND, decoded_ND)
    return SemanticIds(quantizer, embedding_ND, code_NL, metrics)
