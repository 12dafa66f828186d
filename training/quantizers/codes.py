"""Codes of a whole catalogue, in chunks.

Axes: N rows, D embedding, L levels.
"""

from collections.abc import Iterator

import numpy as np
import torch

from training.quantizers.contract import Quantizer
from training.ragged import FloatArray, IntArray

ROWS_A_CHUNK = 2048  # the beam holds rows x partial codes x codes at a time


def encode_all(quantizer: Quantizer, embedding_ND: FloatArray) -> IntArray:
    """Codes int64 [N, L] of the embeddings."""
    with torch.no_grad():
        parts = [quantizer.encode(part).numpy() for part in _tensors(embedding_ND)]
    return np.concatenate(parts)


def decode_all(quantizer: Quantizer, code_NL: IntArray) -> FloatArray:
    """Embeddings float32 [N, D] that the codes stand for."""
    with torch.no_grad():
        parts = [quantizer.decode(part).numpy() for part in _tensors(code_NL)]
    return np.concatenate(parts)


def _tensors(rows: FloatArray | IntArray) -> Iterator[torch.Tensor]:
    for start in range(0, len(rows), ROWS_A_CHUNK):
        yield torch.from_numpy(rows[start : start + ROWS_A_CHUNK])
