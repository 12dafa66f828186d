"""A digest of each row of a table, from the bytes of its Arrow columns: equal digests mean equal content.

The raw columns are read, not the encoded features: with one bundle the featurizer gives the same arrays for the same
values, and encoding a text costs many times what hashing it does. The names and types of the columns are part of the
digest, so a column that was numbers and is texts now counts as changed.

N rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DIGEST_BYTES = 16
_ROWS_AT_ONCE = 65_536
DigestArray = NDArray[np.uint8]
_IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class _Piece:
    """Some bytes of every row: row n has data[offsets[n] : offsets[n + 1]]."""

    data: memoryview
    offsets_N1: _IntArray


def row_digests(table: pa.Table, names: Sequence[str]) -> DigestArray:
    """The BLAKE2b digest [N, 16] of the columns `names` of each row; the order of `names` does not matter."""
    part = table.select(sorted(set(names)))
    head = hashlib.blake2b(repr([(f.name, str(f.type)) for f in part.schema]).encode(), digest_size=DIGEST_BYTES)
    digests = bytearray()
    for batch in part.to_batches(max_chunksize=_ROWS_AT_ONCE):
        pieces = [piece for column in batch.columns for piece in _pieces(column)]
        bounds = [(piece.data, piece.offsets_N1.tolist()) for piece in pieces]
        for row in range(batch.num_rows):
            digest = head.copy()
            for data, offsets in bounds:
                digest.update(data[offsets[row] : offsets[row + 1]])
            digests += digest.digest()
    return np.frombuffer(bytes(digests), dtype=np.uint8).reshape(-1, DIGEST_BYTES)


def table_digest(table: pa.Table) -> str:
    """One hexadecimal digest of all columns of all rows in their order."""
    return hashlib.sha256(row_digests(table, table.column_names).tobytes()).hexdigest()


def _pieces(column: pa.Array) -> list[_Piece]:
    """The bytes of a column: which values are there, then lengths before whatever has no fixed length."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _pieces(column.dictionary_decode())
    is_there = _fixed(column.is_valid().cast(pa.uint8()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets_N1 = column.offsets.to_numpy().astype(np.int64)
        return [is_there, _lengths(offsets_N1), *_children(column.values, offsets_N1)]
    if pa.types.is_fixed_size_list(kind):
        offsets_N1 = (np.arange(len(column) + 1) + column.offset) * kind.list_size
        return [is_there, *_children(column.values, offsets_N1)]
    if pa.types.is_boolean(kind):
        return [is_there, _fixed(column.cast(pa.uint8()))]
    if pa.types.is_primitive(kind):
        return [is_there, _fixed(column)]
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        column = pa.array([repr(value) for value in column.to_pylist()], pa.large_string())
    return [is_there, *_texts(column.cast(pa.large_string()))]


def _children(values: pa.Array, offsets_N1: _IntArray) -> list[_Piece]:
    return [_Piece(piece.data, piece.offsets_N1[offsets_N1]) for piece in _pieces(values)]


def _lengths(offsets_N1: _IntArray) -> _Piece:
    return _fixed(pa.array(np.diff(offsets_N1)))


def _texts(column: pa.Array) -> list[_Piece]:
    _, offsets, data = column.buffers()
    offsets_N1 = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    return [_fixed(pc.binary_length(column).fill_null(0)), _Piece(memoryview(data or b""), offsets_N1)]


def _fixed(column: pa.Array) -> _Piece:
    width = column.type.bit_width // 8
    data = column.buffers()[1]
    return _Piece(memoryview(data or b""), (np.arange(len(column) + 1) + column.offset) * width)
