"""Vectors of a request as float32, checked as a whole. B vectors, D embedding width."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from service.errors import InvalidRequest

FloatArray = npt.NDArray[np.float32]


def read_vectors(field: str, vectors: Sequence[Any], dimension: int) -> FloatArray:
    """`vectors` as float32 [B, dimension].

    Raises InvalidRequest that names the first vector of another type, width, or with a value outside float32.
    """
    try:
        values = np.array(vectors)
    except (ValueError, OverflowError):
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1] != dimension or values.dtype.kind not in "fiu" or _has_bool(vectors):
        raise InvalidRequest(_first_fault(field, vectors, dimension))
    with np.errstate(over="ignore"):
        vectors_BD = values.astype(np.float32)
    finite_B = np.isfinite(vectors_BD).all(axis=1)
    if not finite_B.all():
        raise InvalidRequest(f"{field}[{int(np.argmin(finite_B))}] holds a number outside float32")
    return vectors_BD


def _has_bool(vectors: Sequence[Any]) -> bool:
    """Whether a true or false stands among the numbers, where numpy reads it as 1 or 0."""
    return any(bool in map(type, vector) for vector in vectors)


def _first_fault(field: str, vectors: Sequence[Any], dimension: int) -> str:
    for position, vector in enumerate(vectors):
        if not isinstance(vector, list):
            return f"{field}[{position}] must be a list of {dimension} numbers"
        if len(vector) != dimension:
            return f"{field}[{position}] has {len(vector)} numbers, but this bundle's embeddings have {dimension}"
        for place, value in enumerate(vector):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{field}[{position}][{place}] must be a number"
    return f"{field} must hold lists of {dimension} numbers"
