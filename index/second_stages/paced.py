"""A reranker that goes down the candidates in the order of the first stage, as far as time and gain allow.

Candidates are read in groups of GROUP. Within a budget a group is scored in parts: as much as is expected to take half
of the time that is left, at last a pair at a time, and nothing that is expected to take longer than what is left. So
what is known too late, that a pair took longer than expected, is the matter of one pair. Where nobody knows what a
pair takes, one is scored to learn it.

With a gap it stops where a whole group changes nothing and comes nowhere near: its best score lies more than the gap
below the k-th best so far.

C candidates of one query, S scored.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from index.ranking import FloatArray
from index.reranked import GuardedPairs, ItemReranker, asked_records
from index.second_stages.found import Found

GROUP = 8


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of the first S candidates, and whether time ended there."""

    score_S: FloatArray
    is_out_of_time: bool = False


class PacedReader:
    """Scores the candidates of a query one group after the other."""

    def __init__(
        self, items: ItemReranker, stop_gap: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._items = items
        self._stop_gap = stop_gap
        self._clock = clock

    def scores(self, found: Found) -> Scored:
        """Scores of candidates from the first on; raises InvalidRecord or RerankerFailed."""
        record = asked_records(found.query)[0]
        if found.until is None and self._stop_gap is None:
            return Scored(self._items.score(record, found.row_C))
        score_S = np.empty(0, dtype=np.float32)
        for start in range(0, len(found.row_C), GROUP):
            if self._left(found) <= 0:
                return Scored(score_S, is_out_of_time=True)
            rows = found.row_C[start : start + GROUP]
            part = self._group(self._items.pairs(record, rows), len(rows), found)
            score_S = np.concatenate([score_S, part])
            if len(part) < len(rows):
                return Scored(score_S, is_out_of_time=True)
            if self._is_far_behind(score_S, found.k):
                break
        return Scored(score_S)

    def _group(self, pairs: GuardedPairs, count: int, found: Found) -> FloatArray:
        """Scores of the pairs, as many of them as time allows."""
        parts = [np.empty(0, dtype=np.float32)]
        done = 0
        while done < count:
            n_pairs = self._fitting(pairs, done, count, self._left(found))
            if n_pairs == 0:
                break
            parts.append(pairs.score(np.arange(done, done + n_pairs)))
            done += n_pairs
        return np.concatenate(parts)

    def _fitting(self, pairs: GuardedPairs, start: int, stop: int, left_s: float) -> int:
        """How many of the pairs from `start` on are scored at once, given the time that is left."""
        if left_s == np.inf:
            return stop - start
        n_pairs = stop - start
        while n_pairs > 1:
            expected_s = pairs.expected_s(np.arange(start, start + n_pairs))
            if expected_s is not None and expected_s <= left_s / 2:
                return n_pairs
            n_pairs = (n_pairs + 1) // 2
        expected_s = pairs.expected_s(np.arange(start, start + 1))
        if expected_s is None:  # this pair is the measurement
            return int(left_s > 0)
        return int(expected_s <= left_s)

    def _is_far_behind(self, score_S: FloatArray, k: int) -> bool:
        if self._stop_gap is None or len(score_S) < k + GROUP:
            return False
        kth_best = np.partition(score_S, len(score_S) - k)[len(score_S) - k]
        return bool(score_S[-GROUP:].max() < kth_best - self._stop_gap)

    def _left(self, found: Found) -> float:
        return np.inf if found.until is None else found.until - self._clock()
