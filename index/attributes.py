"""Attributes of items: typed columns on disk, plain JSON values in answers.

At build time every column is brought to one of a few types (text, whole number, float, truth value, date, UTC time,
list of these), so that answers and filters need not know what a table's author happened to use. NaN and infinity
become null there, because JSON has neither.
"""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bundle.errors import ConfigError, InvalidTable
from bundle.items import Items

ITEM_ID = "item_id"
TIMESTAMP = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY, LAST_DAY = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
Attributes = dict[str, Any]


def attribute_table(items: Items, names: Sequence[str] | None) -> pa.Table:
    """The attribute columns of `items` with storable types; all but lists when `names` is None.

    Raises ConfigError for a name that is no column, InvalidTable for a column of a type that JSON cannot show.
    """
    columns = [name for name in items.table.column_names if name != ITEM_ID]
    if names is None:
        chosen = [name for name in columns if not _is_list(items.table[name].type)]
    else:
        unknown = [name for name in names if name not in columns]
        if unknown:
            raise ConfigError(
                f"attributes {', '.join(unknown)} are no columns of {items.source}; it has: {', '.join(columns)}",
                attributes=unknown,
            )
        chosen = list(names)
    return pa.table({name: _storable(items.table[name], name, items.source) for name in chosen})


class AttributeColumns:
    """The attribute columns of one index version, usually mapped."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        # Times are read as plain numbers of microseconds: Arrow's own time objects cost seven times all the rest.
        columns = [
            column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns
        ]
        self._batch = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        self.schema: pa.Schema = batch.schema
        self._to_json = {
            field.name: converter for field in batch.schema if (converter := _json_converter(field.type)) is not None
        }

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._batch.schema.names)

    def only(self, names: Sequence[str]) -> "AttributeColumns":
        """Some of the columns, in this order."""
        part = copy.copy(self)
        part._batch = self._batch.select(list(names))
        part._to_json = {name: convert for name, convert in self._to_json.items() if name in names}
        return part

    def column(self, name: str) -> pa.Array:
        """One column; a time is a whole number of microseconds since 1970, but stays a time inside a list."""
        return self._batch[name]

    def at(self, rows: NDArray[np.int64]) -> list[Attributes]:
        """The attributes of each row; values are text, numbers, truth values, lists or None."""
        if not self._batch.num_columns:
            return [{} for _ in rows]
        records: list[Attributes] = self._batch.take(pa.array(rows)).to_pylist()
        for name, convert in self._to_json.items():
            for record in records:
                record[name] = convert(record[name])
        return records


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _storable(column: pa.ChunkedArray, name: str, source: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    target = _storable_type(column.type)
    if target is None:
        raise InvalidTable(
            f"{source}, column '{name}' is {column.type}, which cannot be an attribute; name the attributes to keep "
            "in the build config",
            path=source,
            column=name,
        )
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.string())  # by way of its digits: a direct cast turns 2.55 into 2.5500000000000003
    # A nanosecond time may lose digits below the microsecond, and a decimal may lose digits beyond 15: both on purpose.
    column = pc.cast(column, target, safe=False)
    if target == TIMESTAMP and _leaves_the_calendar(column):
        raise InvalidTable(
            f"{source}, column '{name}' has a time outside the years 1 to 9999; check its unit",
            path=source,
            column=name,
        )
    if pa.types.is_floating(target):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, target))
    return column


def _leaves_the_calendar(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(pc.cast(column, pa.int64()))
    first, last = (int((day - EPOCH).total_seconds()) * 1_000_000 for day in (FIRST_DAY, LAST_DAY))
    return any(end is not None and not first <= end <= last for end in (ends["min"].as_py(), ends["max"].as_py()))


def _storable_type(kind: pa.DataType) -> pa.DataType | None:
    if _is_list(kind):
        inner = _storable_type(kind.value_type)
        return None if inner is None or _is_list(inner) else pa.large_list(inner)
    for accepts, target in _STORABLE:
        if accepts(kind):
            return target
    return None


_STORABLE: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_string, pa.large_string()),
    (pa.types.is_large_string, pa.large_string()),
    (pa.types.is_null, pa.large_string()),
    (pa.types.is_boolean, pa.bool_()),
    (pa.types.is_uint64, pa.uint64()),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_decimal, pa.float64()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_timestamp, TIMESTAMP),
)


def _json_converter(kind: pa.DataType) -> Callable[[Any], Any] | None:
    if pa.types.is_timestamp(kind):
        return lambda micros: None if micros is None else (EPOCH + timedelta(microseconds=micros)).isoformat()
    if pa.types.is_date(kind):
        return _iso
    if _is_list(kind) and pa.types.is_floating(kind.value_type):
        return lambda values: values and [v if v is not None and np.isfinite(v) else None for v in values]
    if _is_list(kind) and (pa.types.is_timestamp(kind.value_type) or pa.types.is_date(kind.value_type)):
        return lambda values: values and [_iso(value) for value in values]
    return None


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
