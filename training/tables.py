"""The tables of a training run: every column is named here, once.

Reading checks what one table can tell by itself; joining tables by id is training.dataset's.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, check_unique, read_table

QUERY_ID, ITEM_ID = "query_id", "item_id"
TIMESTAMP, GRADE, WEIGHT, SPLIT = "timestamp", "grade", "weight", "split"
RELATED_ID, RELATION = "related_id", "relation"
SCORE, SOURCE = "score", "source"
BETTER_ID, WORSE_ID = "better_id", "worse_id"

QUERIES: Mapping[str, ColumnType] = {QUERY_ID: "string"}
INTERACTIONS: Mapping[str, ColumnType] = {QUERY_ID: "string", ITEM_ID: "string"}
INTERACTIONS_OPTIONAL: Mapping[str, ColumnType] = {
    GRADE: "float",
    TIMESTAMP: "timestamp",
    WEIGHT: "float",
    SPLIT: "string",
    "position": "int",
    "impression_id": "string",
}
RELATIONS: Mapping[str, ColumnType] = {ITEM_ID: "string", RELATED_ID: "string", RELATION: "string"}
JUDGEMENTS: Mapping[str, ColumnType] = {QUERY_ID: "string", ITEM_ID: "string", SCORE: "float"}
PREFERENCES: Mapping[str, ColumnType] = {QUERY_ID: "string", BETTER_ID: "string", WORSE_ID: "string"}

_WHOLE_WHEN_THERE = (GRADE, TIMESTAMP, WEIGHT, SPLIT)


def read_queries(path: Path, texts: Collection[str] = ()) -> pa.Table:
    """The queries table: `query_id` unique and non-empty, other columns are features. Raises InvalidTable.

    The columns `texts` of a CSV are read as texts.
    """
    table = read_table(path, QUERIES, texts=texts)
    check_unique(table, QUERY_ID, path)
    return table


def read_interactions(path: Path) -> pa.Table:
    """The interactions table; optional columns are typed, and those that training reads must be complete.

    Raises InvalidTable, also for a table without rows and for a negative weight.
    """
    table = read_table(path, INTERACTIONS, INTERACTIONS_OPTIONAL)
    check_interactions(table, path)
    return table


def check_interactions(table: pa.Table, path: Path) -> None:
    """Raise InvalidTable for no rows, a gap in an optional column that training reads, or a negative weight."""
    if table.num_rows == 0:
        raise InvalidTable(f"{path} has no rows; training needs interactions", path=str(path))
    for name in _WHOLE_WHEN_THERE:
        if name in table.column_names:
            gap = pc.is_null(table[name], nan_is_null=True)
            _refuse(gap, path, name, "is missing or NaN; fill it or drop the column")
    if WEIGHT in table.column_names:
        _refuse(pc.less(table[WEIGHT], 0), path, WEIGHT, "is negative; weights are 0 or more")


def read_relations(path: Path) -> pa.Table:
    """The relations table: pairs of items and the name of their relation. Raises InvalidTable.

    Its columns `split`, `timestamp` and `weight` are typed where they are there.
    """
    return read_table(path, RELATIONS, {name: INTERACTIONS_OPTIONAL[name] for name in (SPLIT, TIMESTAMP, WEIGHT)})


def read_judgements(path: Path) -> pa.Table:
    """The judgements table: scores that a teacher, a judge or a person gave to pairs. Raises InvalidTable."""
    return read_table(path, JUDGEMENTS, {SOURCE: "string"})


def read_preferences(path: Path) -> pa.Table:
    """The preferences table: of two items, which answers a query better, with a `weight` where that column is there.

    Raises InvalidTable, also for an item preferred to itself and for a weight that is missing or negative.
    """
    table = read_table(path, PREFERENCES, {WEIGHT: "float", SOURCE: "string"})
    _refuse(pc.equal(table[BETTER_ID], table[WORSE_ID]), path, WORSE_ID, f"is the item that {BETTER_ID} names too")
    if WEIGHT in table.column_names:
        gap = pc.is_null(table[WEIGHT], nan_is_null=True)
        _refuse(gap, path, WEIGHT, "is missing or NaN; fill it or drop the column")
        _refuse(pc.less(table[WEIGHT], 0), path, WEIGHT, "is negative; weights are 0 or more")
    return table


def _refuse(bad: pa.ChunkedArray, path: Path, column: str, what: str) -> None:
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py() + 1
        raise InvalidTable(f"{path} row {row}, column '{column}' {what}", path=str(path), row=row, column=column)
