"""Vectors of a request as float32, checked as a whole. B vectors, D embedding width."""

import math
import struct
from binascii import a2b_base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from service.errors import InvalidRequest

FloatArray = npt.NDArray[np.float32]
_ONE, _ZERO = struct.pack("f", 1), struct.pack("f", 0)


def read_vectors(field: str, vectors: Sequence[Any], dimension: int) -> FloatArray:
    """`vectors`, lists of numbers or all of them base64 of little-endian float32, as float32 [B, dimension].

    Raises InvalidRequest that names the first vector of another type, width, or with a value outside float32.
    """
    if set(map(type, vectors)) == {str}:
        data = b"".join([_from_base64(f"{field}[{i}]", text, dimension) for i, text in enumerate(vectors)])
    else:
        data = _from_lists(field, vectors, dimension)
    return rows_of(field, data, dimension)


def rows_of(field: str, data: bytes, dimension: int) -> FloatArray:
    """Little-endian float32 as [B, dimension]; raises InvalidRequest for parts of a row, none, or a number outside."""
    if not data or len(data) % (4 * dimension):
        raise InvalidRequest(
            f"{field} has {len(data)} bytes, but one embedding is {4 * dimension}: {dimension} little-endian float32 "
            "numbers; send whole embeddings, one after the other"
        )
    vectors_BD: FloatArray = np.frombuffer(data, dtype="<f4").reshape(-1, dimension)
    # A sum of squares is finite only where every number is, and is had in a third of the time that asking each takes.
    if not math.isfinite(np.vdot(vectors_BD, vectors_BD)):
        finite_B = np.isfinite(vectors_BD).all(axis=1)
        if not finite_B.all():
            raise InvalidRequest(f"{field}[{int(np.argmin(finite_B))}] holds a number outside float32")
    return vectors_BD


def _from_lists(field: str, vectors: Sequence[Any], dimension: int) -> bytes:
    pack = struct.Struct(f"{dimension}f").pack  # several times as fast as numpy's own reading of lists
    try:
        data = b"".join([pack(*vector) for vector in vectors])
    except (struct.error, TypeError, OverflowError) as error:
        raise InvalidRequest(_first_fault(field, vectors, dimension)) from error
    if not data or _has_bool(data, vectors):
        raise InvalidRequest(_first_fault(field, vectors, dimension))
    return data


def _from_base64(field: str, text: str, dimension: int) -> bytes:
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(f"{field} is not base64: {error}") from error
    if len(data) != 4 * dimension:
        raise InvalidRequest(f"{field} has {len(data)} bytes, but {dimension} float32 numbers have {4 * dimension}")
    return data


def _has_bool(data: bytes, vectors: Sequence[Any]) -> bool:
    """Whether a true or false stands among the numbers; it was packed as 1 or 0, so without these bytes none does."""
    return (_ONE in data or _ZERO in data) and any(bool in map(type, vector) for vector in vectors)


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
