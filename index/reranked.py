"""The items of one version as a reranker reads them, and rankings made of what it says. B queries, M rows of a call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from bundle.errors import ConfigError, InputError
from bundle.featurize import Record
from bundle.rerankers.contract import Pairs, Reranker
from index.attributes import AttributeColumns
from index.errors import RerankerFailed
from index.ranking import FloatArray, IntArray, Queries, Ranking

FailureReason = Literal["failed", "not_a_number", "out_of_time"]
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, eq=False)
class ItemReranker:
    """A reranker over the items of one version, whose texts are stored as attributes.

    Whatever the reranker does that is not the caller's fault raises RerankerFailed: an exception of any class, and
    scores that are not finite, which no sort may ever see.
    """

    reranker: Reranker
    columns: AttributeColumns

    @classmethod
    def of(cls, reranker: Reranker, columns: AttributeColumns) -> "ItemReranker":
        """Over the columns that it reads; raises ConfigError as `check_item_columns`."""
        check_item_columns(reranker, columns.names)
        return cls(reranker, columns.only(reranker.item_columns))

    def score(self, query: Record, rows_M: IntArray) -> FloatArray:
        """Scores float32 [M] of rows for one query; raises InvalidRecord or RerankerFailed."""
        return self.score_records(query, self.columns.at(rows_M))

    def score_records(self, query: Record, items: Sequence[Record]) -> FloatArray:
        """Scores float32 [M] of given items for one query; raises InvalidRecord or RerankerFailed."""
        return _finite(_guarded(lambda: self.reranker.score(query, items)))

    def pairs(self, query: Record, rows_M: IntArray) -> "GuardedPairs":
        """The query with each row, to be scored in parts; raises InvalidRecord or RerankerFailed."""
        items = self.columns.at(rows_M)
        return GuardedPairs(_guarded(lambda: self.reranker.pairs(query, items)))


class GuardedPairs:
    """Implements Pairs around those of a reranker; both methods raise RerankerFailed."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def score(self, place_R: IntArray) -> FloatArray:
        """Scores float32 [R] of the pairs at these places."""
        return _finite(_guarded(lambda: self._pairs.score(place_R)))

    def expected_s(self, place_R: IntArray) -> float | None:
        """Seconds that `score` will take for these; None where that is not known."""
        return _guarded(lambda: self._pairs.expected_s(place_R))


def check_item_columns(reranker: Reranker, names: Sequence[str]) -> None:
    """Raise ConfigError where an attribute that the reranker reads was not kept: it would be read as empty."""
    missing = [name for name in reranker.item_columns if name not in names]
    if missing:
        raise ConfigError(
            f"the bundle's reranker reads {', '.join(missing)} of items, but the attributes have no such column "
            f"({', '.join(names) or 'none'}); name them in attributes, or add them to the items table",
            columns=missing,
        )


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


def _guarded(work: Callable[[], ResultT]) -> ResultT:
    try:
        return work()
    except InputError:  # a query or an item that it cannot read is the caller's to mend
        raise
    except Exception as error:  # a runtime or a model raises what it likes, and none of it may stop a search
        raise RerankerFailed(
            f"the reranker failed ({type(error).__name__}); try again, or ask without it", reason="failed"
        ) from error


def _finite(score_M: FloatArray) -> FloatArray:
    if not np.isfinite(score_M).all():
        raise RerankerFailed(
            "the reranker gave scores that are not numbers; its graph or an item's text is at fault, so ask without it",
            reason="not_a_number",
        )
    return score_M
