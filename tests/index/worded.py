"""A small corpus of words with a reranker that scores a row by a table: for rankers that read query and item.

N corpus, D embedding.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.featurize import Record
from index.attributes import AttributeColumns
from index.ranking import FloatArray, IntArray, Queries
from index.reranked import ItemReranker


class TableReranker:
    """Implements Reranker: the query's number and the item's number look up a score; counts what it scored."""

    query_columns = ("text",)
    item_columns = ("title",)

    def __init__(self, scores_BN: NDArray[np.floating]) -> None:
        self._scores_BN = scores_BN
        self.calls = 0

    def check_query(self, query: Record) -> None:
        """Every query can be read."""

    def score(self, query: Record, items: Sequence[Record]) -> FloatArray:
        """The scores of the table."""
        self.calls += len(items)
        rows = [int(str(item["title"])) for item in items]
        scores_M: FloatArray = self._scores_BN[int(str(query["text"])), rows].astype(np.float32)
        return scores_M

    def pairs(self, query: Record, items: Sequence[Record]) -> "TablePairs":
        """The scores of the table, part by part."""
        return TablePairs(self, query, items)

    def warm_up(self) -> None:
        """Nothing to warm."""


class TablePairs:
    """Implements Pairs; nobody knows what they take."""

    def __init__(self, table: TableReranker, query: Record, items: Sequence[Record]) -> None:
        self._table, self._query, self._items = table, query, items

    def score(self, place_R: IntArray) -> FloatArray:
        """The scores of the table."""
        return self._table.score(self._query, [self._items[place] for place in place_R])

    def expected_s(self, place_R: IntArray) -> float | None:
        """Unknown."""
        return None


def table_items(scores_BN: NDArray[np.floating]) -> tuple[ItemReranker, TableReranker]:
    """The reranker over N items whose title is their row, and the table behind it."""
    table = TableReranker(scores_BN)
    titles = [str(row) for row in range(scores_BN.shape[1])]
    batch = pa.RecordBatch.from_pydict({"price": [0.0] * len(titles), "title": titles})
    return ItemReranker.of(table, AttributeColumns(batch)), table


def numbered(vectors_BD: FloatArray, own_rows: Sequence[int] | None = None) -> Queries:
    """Queries whose text is their number."""
    own_rows_B = None if own_rows is None else np.array(own_rows, dtype=np.int64)
    return Queries(vectors_BD, [{"text": str(b)} for b in range(len(vectors_BD))], own_rows_B)
