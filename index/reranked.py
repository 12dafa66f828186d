"""A ranking whose best rows a reranker scores again, reading query and item together.

B queries, R ranked rows of a query, M rows of a call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bundle.errors import ConfigError
from bundle.featurize import Record
from bundle.rerankers.contract import Reranker
from index.attributes import AttributeColumns
from index.ranking import FloatArray, IntArray, Queries, Ranker, Ranking


@dataclass(frozen=True, eq=False)
class ItemReranker:
    """A reranker over the items of one version, whose texts are stored as attributes."""

    reranker: Reranker
    columns: AttributeColumns

    @classmethod
    def of(cls, reranker: Reranker, columns: AttributeColumns) -> "ItemReranker":
        """Over the columns that it reads; raises ConfigError as `check_item_columns`."""
        check_item_columns(reranker, columns.names)
        return cls(reranker, columns.only(reranker.item_columns))

    def score(self, query: Record, rows_M: IntArray) -> FloatArray:
        """Scores float32 [M] of rows for one query; raises InvalidRecord."""
        return self.reranker.score(query, self.columns.at(rows_M))


def check_item_columns(reranker: Reranker, names: Sequence[str]) -> None:
    """Raise ConfigError where an attribute that the reranker reads was not kept: it would be read as empty."""
    missing = [name for name in reranker.item_columns if name not in names]
    if missing:
        raise ConfigError(
            f"the bundle's cross-encoder reads {', '.join(missing)} of items, but the attributes have no such column "
            f"({', '.join(names) or 'none'}); name them in attributes, or add them to the items table",
            columns=missing,
        )


class Reranked:
    """Implements Ranker: the best rows of another, in the reranker's order. Rows beyond them are never seen."""

    def __init__(self, inner: Ranker, items: ItemReranker, n_candidates: int) -> None:
        """`n_candidates`: rows that are scored where fewer are asked for."""
        self._inner = inner
        self._items = items
        self._n_candidates = n_candidates

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises what the inner ranker raises, and InvalidRecord."""
        records = asked_records(queries)
        most = max(depth, self._n_candidates)
        found = self._inner.rank(queries, most)
        best = []
        for b, record in enumerate(records):
            row_R = found.of(b, most)[1]
            score_R = self._items.score(record, row_R)
            order_R = np.lexsort((row_R, -score_R))[:depth]
            best.append((score_R[order_R], row_R[order_R]))
        return padded(best, depth, found.total_B)


def asked_records(queries: Queries) -> Sequence[Record]:
    """The records of queries; ValueError where they are vectors or items, which no reranker can read."""
    if queries.records is None:
        raise ValueError("a reranker needs the records of its queries, but they are vectors or items")
    return queries.records


def padded(best: Sequence[tuple[FloatArray, IntArray]], depth: int, total_B: IntArray) -> Ranking:
    """A ranking of the scores and rows of each query, at most `depth` of them."""
    width = min(depth, max((len(rows) for _, rows in best), default=0))
    scores_BR = np.full((len(best), width), -np.inf, dtype=np.float32)
    rows_BR = np.full((len(best), width), -1, dtype=np.int64)
    for b, (scores, rows) in enumerate(best):
        scores_BR[b, : len(rows)] = scores
        rows_BR[b, : len(rows)] = rows
    return Ranking(scores_BR, rows_BR, total_B)
