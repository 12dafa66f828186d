"""The queries that a bias is made from.

Letters: N items, Q queries, D embedding.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bundle.errors import InvalidTable
from bundle.store import Bundle
from index.hubness.bank import NO_ROW, Bank, FloatArray, IntArray
from index.queries import sample_queries, sample_rows


@dataclass(frozen=True)
class Asking:
    """Queries like those to come. `own_rows_Q`: the items that they are; `positive_rows_Q`: those they are to find.

    Both are -1 where there is none.
    """

    vectors_QD: FloatArray
    own_rows_Q: IntArray
    positive_rows_Q: IntArray
    source: Literal["items", "table"]

    def bank(self) -> Bank:
        """What the queries say of the items, each nothing of itself and of the one that it is to find."""
        return Bank(self.vectors_QD, np.where(self.own_rows_Q == NO_ROW, self.positive_rows_Q, self.own_rows_Q))

    def at(self, places: IntArray) -> "Asking":
        """The queries at these places."""
        return replace(
            self,
            vectors_QD=self.vectors_QD[places],
            own_rows_Q=self.own_rows_Q[places],
            positive_rows_Q=self.positive_rows_Q[places],
        )

    def __len__(self) -> int:
        return len(self.vectors_QD)


def asking_items(asking_ND: FloatArray, size: int, seed: int) -> Asking:
    """A sample of the items, each as a query for others."""
    rows_Q = sample_rows(len(asking_ND), size, seed)
    return Asking(np.ascontiguousarray(asking_ND[rows_Q]), rows_Q, np.full(len(rows_Q), NO_ROW), "items")


def asking_table(
    bundle: Bundle, path: Path, positives: str | None, item_ids: pa.ChunkedArray, size: int, seed: int
) -> Asking:
    """A sample of a table's query records, and the rows in `item_ids` of what the column `positives` names.

    Raises InvalidTable.
    """
    vectors_QD, table = sample_queries(bundle, path, size, seed, () if positives is None else (positives,))
    nowhere_Q = np.full(len(vectors_QD), NO_ROW)
    if positives is None:
        return Asking(vectors_QD, nowhere_Q, nowhere_Q, "table")
    if positives not in table.column_names:
        has = ", ".join(table.column_names)
        raise InvalidTable(f"{path} has no column '{positives}'; it has: {has}", path=str(path), column=positives)
    found = pc.index_in(table[positives].cast(pa.string()), value_set=item_ids.combine_chunks().cast(pa.string()))
    positive_rows_Q = found.combine_chunks().fill_null(NO_ROW).to_numpy().astype(np.int64)
    return Asking(vectors_QD, nowhere_Q, positive_rows_Q, "table")
