"""A reranker whose time passes on a clock of its own, and rankings to give it. B queries, N corpus."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.featurize import Record
from index.attributes import AttributeColumns
from index.ranking import FloatArray, IntArray, Ranking
from index.reranked import ItemReranker
from tests.index.worded import TableReranker


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TimedReranker(TableReranker):
    """Implements Reranker: row r takes `seconds_N[r]`; it expects `foreseen` times that; None: it does not know."""

    def __init__(
        self,
        scores_BN: NDArray[np.floating],
        seconds_N: NDArray[np.floating],
        clock: Clock,
        foreseen: float | None = 1.0,
    ) -> None:
        super().__init__(scores_BN)
        self.seconds_N, self.clock, self.foreseen = seconds_N, clock, foreseen
        self.calls_of_pairs: list[int] = []

    def pairs(self, query: Record, items: Sequence[Record]) -> "TimedPairs":  # type: ignore[override]
        """Pairs whose time passes."""
        return TimedPairs(self, query, items)


class TimedPairs:
    """Implements Pairs."""

    def __init__(self, reranker: TimedReranker, query: Record, items: Sequence[Record]) -> None:
        self._reranker, self._query, self._items = reranker, query, items

    def score(self, place_R: IntArray) -> FloatArray:
        """The scores of the table, after their time."""
        self._reranker.clock.now += self._seconds(place_R)
        self._reranker.calls_of_pairs.append(len(place_R))
        return self._reranker.score(self._query, [self._items[place] for place in place_R])

    def expected_s(self, place_R: IntArray) -> float | None:
        """What the rows will take, times how well that is foreseen."""
        foreseen = self._reranker.foreseen
        return None if foreseen is None else foreseen * self._seconds(place_R)

    def _seconds(self, place_R: IntArray) -> float:
        return float(sum(self._reranker.seconds_N[int(str(self._items[place]["title"]))] for place in place_R))


class FailingReranker(TableReranker):
    """Implements Reranker: raises, or gives NaN, where row `bad` is among what it reads."""

    def __init__(self, scores_BN: NDArray[np.floating], bad: int, error: Exception | None = None) -> None:
        super().__init__(scores_BN)
        self._bad, self._error = bad, error

    def score(self, query: Record, items: Sequence[Record]) -> FloatArray:
        """The scores of the table but for the bad row."""
        scores_M = super().score(query, items)
        for place, item in enumerate(items):
            if item["title"] == str(self._bad):
                if self._error is not None:
                    raise self._error
                scores_M[place] = np.nan
        return scores_M


def over(reranker: TableReranker, n_items: int) -> ItemReranker:
    """The reranker over items whose title is their row."""
    titles = [str(row) for row in range(n_items)]
    return ItemReranker.of(reranker, AttributeColumns(pa.RecordBatch.from_pydict({"title": titles})))


def found(*rows: Sequence[int], scores: Sequence[Sequence[float]] | None = None, total: int = 1000) -> Ranking:
    """What a first stage found: the same number of rows for every query, with scores 1, 1/2, 1/3 if none are given."""
    row_BR = np.array(rows, dtype=np.int64)
    score_BR = (
        np.array(scores) if scores is not None else np.broadcast_to(1 / np.arange(1, row_BR.shape[1] + 1), row_BR.shape)
    )
    return Ranking(score_BR.astype(np.float32), row_BR, np.full(len(row_BR), total))
