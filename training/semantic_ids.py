"""Semantic IDs of a trained item tower: fit a quantizer on the catalogue's embeddings and measure it.

Axes: N items, D embedding, L levels.
"""

from dataclasses import dataclass

import torch

from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer
from training.quantizers.metrics import quantizer_metrics
from training.ragged import FloatArray, IntArray


@dataclass(frozen=True)
class SemanticIds:
    """A fitted quantizer, the catalogue's embeddings and codes, and how good the codes are."""

    quantizer: Quantizer
    embedding_ND: FloatArray
    code_NL: IntArray
    metrics: dict[str, float]


def fit_semantic_ids(config: QuantizerConfig, embedding_ND: FloatArray, seed: int, threads: int) -> SemanticIds:
    """Fit on all embeddings of the catalogue; raises BadData when there are fewer than codes."""
    quantizer = config.fit(embedding_ND, seed, threads)
    with torch.no_grad():
        code = quantizer.encode(torch.from_numpy(embedding_ND))
        decoded_ND = quantizer.decode(code).numpy()
    code_NL = code.numpy()
    metrics = quantizer_metrics(code_NL, quantizer.codebook_sizes, embedding_ND, decoded_ND)
    return SemanticIds(quantizer, embedding_ND, code_NL, metrics)
