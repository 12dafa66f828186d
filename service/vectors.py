"""Vectors of a request as float32, checked as a whole. B vectors, D embedding width."""

import struct
from binascii import a2b_base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from service.errors import InvalidRequest

FloatArray = npt.NDArray[np.float32]


def read_vectors(field: str, vectors: Sequence[Any], dimension: int) -> FloatArray:
    """`vectors`, lists of numbers or all of them base64 of little-endian float32, as float32 [B, dimension].

    Raises InvalidRequest that names the first vector of another type, width, or with a value outside float32.
    """
    if vectors and all(isinstance(vector, str) for vector in vectors):
        values = np.concatenate([_from_base64(f"{field}[{i}]", text, dimension) for i, text in enumerate(vectors)])
    else:
        values = _from_lists(field, vectors, dimension)
    with np.errstate(over="ignore"):
        vectors_BD = values.reshape(-1, dimension).astype(np.float32)
    finite_B = np.isfinite(vectors_BD).all(axis=1)
    if not finite_B.all():
        raise InvalidRequest(f"{field}[{int(np.argmin(finite_B))}] holds a number outside float32")
    return vectors_BD


def _from_lists(field: str, vectors: Sequence[Any], dimension: int) -> npt.NDArray[np.float64]:
    pack = struct.Struct(f"{dimension}d").pack  # four times as fast as numpy's own reading of lists
    try:
        values = np.frombuffer(b"".join([pack(*vector) for vector in vectors])).reshape(-1, dimension)
    except (struct.error, TypeError, OverflowError) as error:
        raise InvalidRequest(_first_fault(field, vectors, dimension)) from error
    if not len(values) or _has_bool(values, vectors):
        raise InvalidRequest(_first_fault(field, vectors, dimension))
    return values


def _from_base64(field: str, text: str, dimension: int) -> FloatArray:
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(f"{field} is not base64: {error}") from error
    if len(data) != 4 * dimension:
        raise InvalidRequest(f"{field} has {len(data)} bytes, but {dimension} float32 numbers have {4 * dimension}")
    return np.frombuffer(data, dtype="<f4")


def _has_bool(values: npt.NDArray[np.float64], vectors: Sequence[Any]) -> bool:
    """Whether a true or false stands among the numbers; as such it was read as 1 or 0, so only these are looked at."""
    suspect = np.flatnonzero(((values == 0) | (values == 1)).any(axis=1))
    return any(bool in map(type, vectors[position]) for position in suspect.tolist())


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
