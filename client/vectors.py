"""Embeddings on the wire: base64 of little-endian float32. B vectors, D width."""

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.floating] | Sequence[Sequence[float]]


def to_base64(vector_BD: Vectors) -> list[str]:
    """Every vector as text; raises ValueError unless they are a [B, D] of numbers."""
    array_BD = np.asarray(vector_BD, dtype="<f4")
    if array_BD.ndim != 2:
        raise ValueError(f"vectors have the shape {array_BD.shape}; give [number of vectors, width]")
    return [base64.b64encode(row.tobytes()).decode() for row in array_BD]


def from_base64(texts: Sequence[str], dimension: int) -> FloatArray:
    """Vectors float32 [B, D] from texts."""
    data = b"".join(base64.b64decode(text) for text in texts)
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(-1, dimension)
