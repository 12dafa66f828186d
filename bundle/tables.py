"""The one reader of tables: Parquet, JSONL and CSV into Arrow, with every fault named by file, row and column.

Row numbers in messages count data rows from 1 (a CSV header is not a row).
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from bundle.errors import InvalidTable
from bundle.files import replace_file

ColumnType = Literal["string", "int", "float", "timestamp", "any"]
_ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "timestamp": pa.timestamp("us"),
}
SUFFIXES = (".parquet", ".jsonl", ".csv")


def read_table(
    path: Path,
    columns: Mapping[str, ColumnType],
    optional: Mapping[str, ColumnType] | None = None,
    texts: Collection[str] = (),
) -> pa.Table:
    """Read a table and give the named columns their types; other columns stay as they are.

    `columns` must be there and hold no null, NaN or empty string; `optional` columns are typed when they are there
    and may hold nulls. `texts` are read as texts from a CSV, whatever they look like, so that "00123" is not a number.
    Timestamps come back as microseconds; ISO texts and Unix seconds are both read.
    Raises InvalidTable.
    """
    strings = [name for name, kind in {**columns, **(optional or {})}.items() if kind == "string"]
    table = _read(path, [*strings, *texts])
    for name, kind in columns.items():
        if name not in table.column_names:
            has = ", ".join(table.column_names)
            raise InvalidTable(f"{path} has no column '{name}'; it has: {has}", path=str(path), column=name)
        table = _typed(table, path, name, kind)
        _refuse_missing(table[name], path, name)
    for name, kind in (optional or {}).items():
        if name in table.column_names:
            table = _typed(table, path, name, kind)
    return table


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table in one step, as Parquet or CSV by its suffix; raises InvalidTable for another one."""
    stream = pa.BufferOutputStream()
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, stream)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, stream)
    else:
        raise InvalidTable(f"{path}: tables are written as .parquet or .csv", path=str(path))
    replace_file(path, stream.getvalue().to_pybytes())


def check_unique(table: pa.Table, column: str, path: Path) -> None:
    """Raise InvalidTable, naming both rows, when a value stands twice in `column`."""
    values = table[column]
    if pc.count_distinct(values).as_py() == len(values):
        return
    first_row: dict[object, int] = {}
    for row, value in enumerate(values.to_pylist(), start=1):
        if value in first_row:
            raise InvalidTable(
                f"{path} row {row}, column '{column}': '{value}' stands in row {first_row[value]} already; "
                "ids must be unique",
                path=str(path),
                row=row,
                column=column,
            )
        first_row[value] = row


def _read(path: Path, texts: Collection[str]) -> pa.Table:
    if path.suffix not in SUFFIXES:
        raise InvalidTable(f"{path}: tables end in {', '.join(SUFFIXES)}", path=str(path))
    if not path.is_file():
        raise InvalidTable(f"{path} does not exist", path=str(path))
    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        if path.suffix == ".jsonl":
            return pyarrow.json.read_json(path)
        # Ids such as "00123" must stay texts, so string columns are declared before the types are guessed.
        types = {name: pa.string() for name in texts}
        options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
        return pyarrow.csv.read_csv(path, convert_options=options)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        raise InvalidTable(f"{path} cannot be read: {error}", path=str(path)) from error


def _typed(table: pa.Table, path: Path, name: str, kind: ColumnType) -> pa.Table:
    if kind == "any":
        return table
    values, target = table[name], _ARROW_TYPES[kind]
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    if kind == "string" and not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        if not (pa.types.is_integer(values.type) or pa.types.is_null(values.type)):  # null: no row has a value
            raise InvalidTable(
                f"{path}, column '{name}' is {values.type}, but must be text", path=str(path), column=name
            )
    try:
        typed = _timestamps(values) if kind == "timestamp" else pc.cast(values, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row = _first_bad_row(values, kind)
        raise InvalidTable(
            f"{path} row {row}, column '{name}': {values[row - 1].as_py()!r} is not a {kind}",
            path=str(path),
            row=row,
            column=name,
        ) from error
    return table.set_column(table.column_names.index(name), name, typed)


def _timestamps(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO texts, Unix seconds as numbers or texts, and Arrow's own times, as microseconds."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        try:
            values = pc.cast(values, pa.float64())
        except pa.ArrowInvalid:
            return pc.cast(values, _ARROW_TYPES["timestamp"])
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        micros = pc.round(pc.multiply(pc.cast(values, pa.float64()), 1e6))
        values = pc.cast(micros, pa.int64())
    return pc.cast(values, _ARROW_TYPES["timestamp"])


def _first_bad_row(values: pa.ChunkedArray, kind: ColumnType) -> int:
    """Row of the first value that alone is no `kind`; the first row when each is one, but not all the same way."""
    for row in range(len(values)):
        one = values.slice(row, 1)
        try:
            _timestamps(one) if kind == "timestamp" else pc.cast(one, _ARROW_TYPES[kind])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return row + 1
    return 1


def _refuse_missing(values: pa.ChunkedArray, path: Path, name: str) -> None:
    bad, what = pc.is_null(values, nan_is_null=True), "is missing or NaN"
    if pa.types.is_string(values.type) and not pc.any(bad).as_py():
        bad, what = pc.equal(pc.utf8_trim_whitespace(values), ""), "is empty"
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py() + 1
        raise InvalidTable(
            f"{path} row {row}, column '{name}' {what}; give every row a value",
            path=str(path),
            row=row,
            column=name,
        )
