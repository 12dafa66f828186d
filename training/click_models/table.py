"""The click log table: every column is named here, once.

A list is what was shown at one time: the rows of one `session_id`, or of one `query_id` where there are no sessions.
Letters: V rows of the table, Q shown lists, K places of the longest.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, read_table
from training.click_models.log import ClickLog
from training.ragged import FloatArray, IntArray
from training.tables import GRADE, ITEM_ID, QUERY_ID

SESSION_ID, POSITION, CLICKED, PROPENSITY = "session_id", "position", "clicked", "propensity"
CLICKS: Mapping[str, ColumnType] = {QUERY_ID: "string", ITEM_ID: "string", POSITION: "int", CLICKED: "int"}
CLICKS_OPTIONAL: Mapping[str, ColumnType] = {SESSION_ID: "string", PROPENSITY: "float", GRADE: "float"}
MAX_GRADE, MAX_PLACE = 4.0, 10_000
ScalarT = TypeVar("ScalarT", bound=np.generic)


class LoggedClicks(NamedTuple):
    """A click log, and a table with `query_id` and `item_id` of each of its pairs, in the order of their numbers."""

    log: ClickLog
    pairs: pa.Table


def read_click_log(path: Path, max_grade: float = MAX_GRADE) -> LoggedClicks:
    """Read a click log (.parquet, .jsonl or .csv); lists keep the order of their first rows.

    `clicked` is 0 or 1, or false or true. Raises InvalidTable that names file, row and column for a value that is
    missing or outside its range, a place that a list has twice, a session of two queries, and for a log in which
    nothing or everything is clicked. `max_grade`: the highest value of the column `grade`, if there is one.
    """
    table = read_table(path, CLICKS, CLICKS_OPTIONAL)
    if table.num_rows == 0:
        raise InvalidTable(f"{path} has no rows; learning from clicks needs shown lists", path=str(path))
    _check_values(table, path, max_grade)
    list_V = _numbers(table, SESSION_ID if SESSION_ID in table.column_names else QUERY_ID)
    _check_lists(table, path, list_V)
    pair_V, first_P = _pairs(table)
    return LoggedClicks(_arrange(table, list_V, pair_V), table.select([QUERY_ID, ITEM_ID]).take(pa.array(first_P)))


def _check_values(table: pa.Table, path: Path, max_grade: float) -> None:
    _refuse(pc.less(table[POSITION], 1), path, POSITION, "is less than 1; places count from 1")
    _refuse(pc.greater(table[POSITION], MAX_PLACE), path, POSITION, f"is above {MAX_PLACE:,}, the last place allowed")
    clicked = table[CLICKED]
    _refuse(pc.or_(pc.less(clicked, 0), pc.greater(clicked, 1)), path, CLICKED, "is neither 0 nor 1")
    if pc.min(clicked).as_py() == pc.max(clicked).as_py():
        what = "everything was clicked" if clicked[0].as_py() else "nothing was clicked"
        raise InvalidTable(
            f"{path}, column '{CLICKED}': {what} in {table.num_rows:,} rows, which tells no item from another; log "
            "what was shown and not clicked too, and what was clicked",
            path=str(path),
            column=CLICKED,
        )
    for name in (SESSION_ID, PROPENSITY, GRADE):
        if name in table.column_names:
            gap = pc.is_null(table[name], nan_is_null=True)
            _refuse(gap, path, name, "is missing or NaN; fill it or drop the column")
    if PROPENSITY in table.column_names:
        wrong = pc.or_(pc.less_equal(table[PROPENSITY], 0.0), pc.greater(table[PROPENSITY], 1.0))
        _refuse(wrong, path, PROPENSITY, "is not above 0 and at most 1; a propensity is a probability")
    if GRADE in table.column_names:
        wrong = pc.or_(pc.less(table[GRADE], 0.0), pc.greater(table[GRADE], max_grade))
        _refuse(wrong, path, GRADE, f"is outside the scale of 0 to {max_grade:g}")


def _check_lists(table: pa.Table, path: Path, list_V: IntArray) -> None:
    """Refuse a list that has one place twice, and a session of two queries."""
    place_V = table[POSITION].to_numpy()
    row = _first_repeat(list_V, place_V)
    if row is not None:
        first = int(np.flatnonzero((list_V == list_V[row]) & (place_V == place_V[row]))[0])
        which = "session" if SESSION_ID in table.column_names else "query"
        raise _fault(
            path,
            row,
            POSITION,
            f"place {place_V[row]} of this {which} stands in row {first + 1} already; a list has one item a place, and "
            f"lists shown at different times need a {SESSION_ID} each",
        )
    query_V, first_of_Q = _numbers(table, QUERY_ID), np.unique(list_V, return_index=True)[1]
    other_V = query_V != query_V[first_of_Q[list_V]]
    if other_V.any():
        row = int(np.argmax(other_V))
        raise _fault(path, row, QUERY_ID, "differs from the query that this session began with; a session has one")


def _first_repeat(*keys: IntArray) -> int | None:
    """The first row whose keys an earlier row has."""
    order_V = np.lexsort([np.arange(len(keys[0])), *reversed(keys)])
    same_V = np.all([key[order_V][1:] == key[order_V][:-1] for key in keys], axis=0)
    return int(order_V[1:][same_V].min()) if same_V.any() else None


def _pairs(table: pa.Table) -> tuple[IntArray, IntArray]:
    """The pair number of every row, and the first row of every pair; numbered in the order of their first rows."""
    query_V, item_V = _numbers(table, QUERY_ID), _numbers(table, ITEM_ID)
    _, first_P, pair_V = np.unique(query_V * (item_V.max() + 1) + item_V, return_index=True, return_inverse=True)
    order_P = np.argsort(first_P)
    place_P = np.empty_like(order_P)
    place_P[order_P] = np.arange(len(order_P))
    return place_P[pair_V], first_P[order_P]


def _numbers(table: pa.Table, column: str) -> IntArray:
    """Values as numbers from 0, in the order in which they first stand in the table."""
    numbers_V: IntArray = table[column].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers_V


def _arrange(table: pa.Table, list_V: IntArray, pair_V: IntArray) -> ClickLog:
    """One row a list, its items by place."""
    place_V: IntArray = table[POSITION].to_numpy()
    order_V = np.lexsort([place_V, list_V])
    row_V, length_Q = list_V[order_V], np.bincount(list_V)
    column_V = np.arange(len(row_V)) - np.repeat(np.cumsum(length_Q) - length_Q, length_Q)

    def dense(value_V: NDArray[ScalarT]) -> NDArray[ScalarT]:
        value_QK = np.zeros((len(length_Q), int(length_Q.max())), dtype=value_V.dtype)
        value_QK[row_V, column_V] = value_V[order_V]
        return value_QK

    def optional(name: str) -> FloatArray | None:
        return dense(table[name].to_numpy().astype(np.float32)) if name in table.column_names else None

    return ClickLog(
        pair_QK=dense(pair_V),
        click_QK=dense(table[CLICKED].to_numpy() == 1),
        mask_QK=dense(np.ones(len(pair_V), dtype=np.bool_)),
        position_QK=dense(place_V),
        n_pairs=int(pair_V.max()) + 1,
        propensity_QK=optional(PROPENSITY),
        grade_QK=optional(GRADE),
    )


def _refuse(bad: pa.ChunkedArray, path: Path, column: str, what: str) -> None:
    if pc.any(bad).as_py():
        raise _fault(path, pc.index(bad, True).as_py(), column, what)


def _fault(path: Path, row: int, column: str, what: str) -> InvalidTable:
    return InvalidTable(f"{path} row {row + 1}, column '{column}': {what}", path=str(path), row=row + 1, column=column)
