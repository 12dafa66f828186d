"""The attribute columns of one index version as filters see them: of what kind a field is, and its values.

N corpus, V values: one of each row, or all elements of all lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from index.attributes import EPOCH, AttributeColumns
from index.errors import InvalidFilter
from index.ids import ItemIds

ValueKind = Literal["text", "truth value", "whole number", "number", "time"]
Scalar = str | bool | int | float
BoolArray = NDArray[np.bool_]
MICROSECONDS_A_DAY = 86_400_000_000
SHOWN = 80


@dataclass(frozen=True)
class Field:
    """One attribute: the kind of its values, and whether a row has a list of them."""

    key: str
    kind: ValueKind
    is_list: bool

    def read(self, value: Scalar) -> Scalar:
        """The value as it is compared, a time as microseconds since 1970; raises InvalidFilter for another kind."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.kind == "time" and isinstance(value, str):
            return _microseconds(self.key, value)
        if (
            (self.kind == "text" and isinstance(value, str))
            or (self.kind == "truth value" and isinstance(value, bool))
            or (self.kind in ("whole number", "number") and is_number)
        ):
            return value
        advice = ", written as an ISO 8601 text" if self.kind == "time" else ""
        raise InvalidFilter(
            f"filter on field '{self.key}': its values are of the kind {self.kind}{advice}, but {_shown(value)} is not",
            field=self.key,
            kind=self.kind,
        )


class Fields:
    """What a filter may ask of the items of one version; all methods may be called from many threads."""

    def __init__(self, columns: AttributeColumns, ids: ItemIds) -> None:
        self._columns = columns
        self._ids = ids
        self._fields = {
            entry.name: Field(entry.name, _kind(_inner(entry.type)), _is_list(entry.type)) for entry in columns.schema
        }

    @property
    def n_rows(self) -> int:
        """Items in the corpus."""
        return len(self._ids)

    def field(self, key: str) -> Field:
        """The field of that name; raises InvalidFilter that lists the fields."""
        if key not in self._fields:
            there = f"has: {', '.join(self._fields)}" if self._fields else "has none"
            raise InvalidFilter(
                f"filter on field '{key[:SHOWN]}': no such attribute; this index version {there}",
                field=key[:SHOWN],
                fields=list(self._fields),
            )
        return self._fields[key]

    def values(self, key: str) -> pa.Array:
        """The values [V] of a field; times as microseconds since 1970, what JSON shows as null is null."""
        column = self._columns.column(key)
        if self._fields[key].is_list:
            column = column.flatten()
        if pa.types.is_timestamp(column.type):
            return column.view(pa.int64())
        if pa.types.is_date(column.type):
            return pc.multiply(column.view(pa.int32()).cast(pa.int64()), MICROSECONDS_A_DAY)
        if pa.types.is_floating(column.type):
            return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        return column

    def rows_where(self, key: str, is_match_V: pa.BooleanArray) -> BoolArray:
        """The rows bool [N] with a value that matches; null is no match."""
        match_V: BoolArray = pc.fill_null(is_match_V, False).to_numpy(zero_copy_only=False)
        if not self._fields[key].is_list:
            return match_V
        row_V = pc.list_parent_indices(self._columns.column(key)).to_numpy(zero_copy_only=False)
        return self._rows(row_V[match_V])

    def null_rows(self, key: str) -> BoolArray:
        """The rows bool [N] without the field, or with a list that holds a null."""
        column = self._columns.column(key)
        is_null_N: BoolArray = column.is_null().to_numpy(zero_copy_only=False)
        if self._fields[key].is_list:
            is_null_N = is_null_N | self.rows_where(key, self.values(key).is_null())
        return is_null_N

    def empty_rows(self, key: str) -> BoolArray:
        """The rows bool [N] without the field, or with an empty list."""
        column = self._columns.column(key)
        is_null_N: BoolArray = column.is_null().to_numpy(zero_copy_only=False)
        if self._fields[key].is_list:
            is_null_N = is_null_N | (pc.fill_null(pc.list_value_length(column), 0).to_numpy() == 0)
        return is_null_N

    def rows_of(self, item_ids: Sequence[str]) -> BoolArray:
        """The rows bool [N] of those items that the corpus holds."""
        return self._rows(self._ids.rows_of_known(item_ids))

    def _rows(self, rows: NDArray[np.int64]) -> BoolArray:
        mask_N = np.zeros(self.n_rows, dtype=bool)
        mask_N[rows] = True
        return mask_N


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_list(kind))


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if _is_list(kind) else kind


def _kind(kind: pa.DataType) -> ValueKind:
    if pa.types.is_boolean(kind):
        return "truth value"
    if pa.types.is_integer(kind):
        return "whole number"
    if pa.types.is_floating(kind):
        return "number"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "text"


def _microseconds(key: str, text: str) -> int:
    """A time without an offset is UTC, and a date is its midnight."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilter(
            f"filter on field '{key}': {_shown(text)} is no ISO 8601 time; write it as 2024-05-01 or "
            "2024-05-01T12:00:00Z",
            field=key,
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - EPOCH) // timedelta(microseconds=1)


def _shown(value: Scalar) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
