"""The queries of a run and their features.

Letters: B query rows asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from training.ragged import IntArray
from training.tables import QUERY_ID


@dataclass(frozen=True)
class Queries:
    """The queries by query row; without a queries table they have no feature but `query_id`.

    `source` is the file that names the queries, for messages.
    """

    query_ids: list[str]
    table: pa.Table | None
    source: str

    @property
    def feature_names(self) -> list[str]:
        """The columns that a query feature can name."""
        return [QUERY_ID] if self.table is None else list(self.table.column_names)

    def records(self, names: Sequence[str], rows_B: IntArray) -> list[dict[str, object]]:
        """A record for each of the given query rows, with those of `names` that exist (see `feature_names`).

        Rows asked for more than once share one record; do not change it.
        """
        kept = [name for name in dict.fromkeys(names) if name in self.feature_names]
        if not kept:
            return [{} for _ in rows_B]
        rows_U, of_B = np.unique(rows_B, return_inverse=True)
        if self.table is None:
            records: list[dict[str, object]] = [{QUERY_ID: self.query_ids[row]} for row in rows_U]
        else:
            records = self.table.select(kept).take(pa.array(rows_U)).to_pylist()
        return [records[i] for i in of_B]
