"""Item ids by row and rows by item id, straight from mapped columns."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import UnknownItem
from index.mapped_strings import MappedStrings, string_table

NAMED_IN_ERROR = 5


def id_table(item_ids: pa.ChunkedArray) -> pa.Table:
    """The columns that `ItemIds` reads, for unique ids in row order."""
    return string_table(item_ids, "item_id")


class ItemIds(MappedStrings):
    """The ids of one index version; all methods may be called from many threads."""

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id; raises UnknownItem naming those that the corpus does not hold."""
        rows = self.find(item_ids)
        unknown = [item_id for item_id, row in zip(item_ids, rows, strict=True) if row < 0]
        if unknown:
            more = f" and {len(unknown) - NAMED_IN_ERROR} more" if len(unknown) > NAMED_IN_ERROR else ""
            names = ", ".join(repr(item_id[:80]) for item_id in unknown[:NAMED_IN_ERROR])
            raise UnknownItem(f"the corpus does not hold {names}{more}", item_ids=unknown[:NAMED_IN_ERROR])
        return np.array(rows, dtype=np.int64)

    def rows_of_known(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of those ids that the corpus holds."""
        return np.array([row for row in self.find(item_ids) if row >= 0], dtype=np.int64)

    def contains(self, item_id: str) -> bool:
        """Whether the corpus holds the item."""
        return self.find([item_id])[0] >= 0
