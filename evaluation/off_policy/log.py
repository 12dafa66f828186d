"""Logged impressions: what was shown with which probability, and what came of it.

N impressions, A items, K places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, read_table
from evaluation.errors import UnusableLog

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
COLUMNS: Mapping[str, ColumnType] = {"item_id": "string", "position": "int", "reward": "float", "propensity": "float"}


@dataclass(frozen=True, eq=False)
class ImpressionLog:
    """`item_ids` names the item numbers. Places count from 0 here, and from 1 in tables.

    `query_ids`: the query of every impression; empty where the log names none.
    """

    item_ids: tuple[str, ...]
    n_places: int
    item_N: IntArray
    place_N: IntArray
    reward_N: FloatArray
    propensity_N: FloatArray
    query_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.item_N)


def read_log(path: Path) -> ImpressionLog:
    """Read `item_id`, `position` (from 1), `reward`, `propensity`, the chance with which the item was shown there, and
    `query_id` where it is there.

    Raises InvalidTable for a position under 1, an infinite reward, a propensity outside (0, 1] or a missing query,
    UnusableLog for an empty log or one whose propensities are all 1: it shows nothing of what another ranking would
    have earned.
    """
    table = read_table(path, COLUMNS, {"query_id": "string"})
    if table.num_rows == 0:
        raise UnusableLog(f"{path} has no rows; give at least one impression", path=str(path))
    _refuse(pc.less(table["position"], 1), path, "position", "is under 1; positions count from 1")
    _refuse(pc.is_inf(table["reward"]), path, "reward", "is infinite; give a number")
    outside = pc.or_(pc.less_equal(table["propensity"], 0), pc.greater(table["propensity"], 1))
    _refuse(outside, path, "propensity", "is no probability above 0 and at most 1")
    if "query_id" in table.column_names:
        what = "is missing; name the query of every impression, or leave the column out"
        _refuse(pc.is_null(table["query_id"]), path, "query_id", what)
    encoded = pc.dictionary_encode(table["item_id"].combine_chunks())
    place_N = table["position"].to_numpy() - 1
    log = ImpressionLog(
        tuple(encoded.dictionary.to_pylist()),
        int(place_N.max()) + 1,
        encoded.indices.to_numpy().astype(np.int64),
        place_N,
        table["reward"].to_numpy(),
        table["propensity"].to_numpy(),
        tuple(table["query_id"].to_pylist()) if "query_id" in table.column_names else (),
    )
    if (log.propensity_N == 1).all():
        raise UnusableLog(
            f"{path}: every propensity is 1, so each item was shown where it always is; no other ranking can be judged "
            "from such a log. Show some items at random and log how likely each was",
            path=str(path),
        )
    return log


def _refuse(bad: pa.ChunkedArray, path: Path, column: str, what: str) -> None:
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py() + 1
        raise InvalidTable(f"{path} row {row}, column '{column}' {what}", path=str(path), row=row, column=column)
