"""Tables of what judges and people say of pairs of a query and an item."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, read_table

Pair = tuple[str, str]
PAIR: Mapping[str, ColumnType] = {"query_id": "string", "item_id": "string"}
_GRADE: Mapping[str, ColumnType] = {**PAIR, "grade": "float"}


def read_votes(path: Path) -> pa.Table:
    """Votes of judges: `query_id`, `item_id`, `judge`, `score`.

    Raises InvalidTable, also for a judge's second vote on a pair and for an infinite score.
    """
    return _read(path, {**PAIR, "judge": "string", "score": "float"}, "score", (*PAIR, "judge"))


def read_labels(path: Path) -> pa.Table:
    """Labels of people, however they were chosen: `query_id`, `item_id`, `grade`.

    Raises InvalidTable, also for a second label of a pair and for an infinite grade.
    """
    return _read(path, _GRADE, "grade", tuple(PAIR))


def read_gold(path: Path) -> pa.Table:
    """Labels of people with the `probability` with which each pair was drawn to be labelled.

    Raises InvalidTable as `read_labels`, also for a probability outside (0, 1].
    """
    table = _read(path, {**_GRADE, "probability": "float"}, "grade", tuple(PAIR))
    outside = pc.or_(pc.less_equal(table["probability"], 0), pc.greater(table["probability"], 1))
    if pc.any(outside).as_py():
        row = pc.index(outside, True).as_py() + 1
        raise InvalidTable(
            f"{path} row {row}, column 'probability' is none above 0 and at most 1; it is what "
            "`tandem labels draw` wrote beside the pair",
            path=str(path),
            row=row,
        )
    return table


def pairs_of(table: pa.Table) -> list[Pair]:
    """The pairs that a table speaks of."""
    return list(zip(table["query_id"].to_pylist(), table["item_id"].to_pylist(), strict=True))


def _read(path: Path, columns: Mapping[str, ColumnType], number: str, key: Sequence[str]) -> pa.Table:
    """The table, whose column `number` is finite and whose rows differ in `key`."""
    table = read_table(path, columns)
    infinite = pc.is_inf(table[number])
    if pc.any(infinite).as_py():
        row = pc.index(infinite, True).as_py() + 1
        raise InvalidTable(
            f"{path} row {row}, column '{number}' is infinite; give a number", path=str(path), row=row, column=number
        )
    first_row: dict[tuple[str, ...], int] = {}
    for row, values in enumerate(zip(*(table[name].to_pylist() for name in key), strict=True), start=1):
        if first_row.setdefault(values, row) != row:
            raise InvalidTable(
                f"{path} row {row}: {', '.join(key)} are those of row {first_row[values]}; keep one row",
                path=str(path),
                row=row,
            )
    return table
