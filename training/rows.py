"""Ids of a table to row numbers, with every unknown id named by file, row and column.

Letters: N rows of the table that is joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bundle.errors import InvalidTable
from training.ragged import IntArray

UNKNOWN = -1


@dataclass(frozen=True)
class IdRows:
    """The row number of each id of one table; `source` names that table in messages."""

    ids: pa.Array
    source: str

    @classmethod
    def of(cls, ids: Sequence[str], source: str) -> "IdRows":
        """Row numbers of `ids` in their order."""
        return cls(pa.array(ids, pa.string()), source)

    def find(self, table: pa.Table, column: str, path: Path, *, drop_unknown: bool) -> IntArray:
        """Row number [N] of each id in `column`; an unknown id is UNKNOWN with `drop_unknown`, else InvalidTable."""
        found = pc.index_in(table[column], value_set=self.ids)
        rows_N: IntArray = found.fill_null(UNKNOWN).to_numpy().astype(np.int64)
        if not drop_unknown and (rows_N == UNKNOWN).any():
            row = int(np.argmax(rows_N == UNKNOWN))
            raise InvalidTable(
                f"{path} row {row + 1}, column '{column}': '{table[column][row].as_py()}' is not in {self.source}; "
                "add it there, or set data.drop_unknown = true to drop and count such rows",
                path=str(path),
                row=row + 1,
                column=column,
            )
        return rows_N
