"""Index recall: how far the hits of an index agree with exact search, and what a query costs.

Q queries, K hits, D embedding, N corpus. Items with the score of the exact k-th hit count as found, because a catalogue
with duplicates has no unique answer.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from bundle.progress import Progress
from index.device import CpuIndex
from index.errors import RecallBelowTarget
from index.kinds import IndexKind
from index.manifest import RecallPoint, RecallReport
from index.queries import RecallQueries
from index.searcher import RowSearcher
from index.threads import use_threads

RECALL_K = 10
SCORE_TOLERANCE = 1e-5
FloatArray = NDArray[np.float32]
RowArray = NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """The kind at the setting that is to be served, and what was measured."""

    kind: IndexKind
    report: RecallReport


def measure(
    index: faiss.Index,
    kind: IndexKind,
    vectors_ND: FloatArray,
    queries: RecallQueries,
    *,
    target: float | None,
    threads: int,
    progress: Progress,
) -> Measured:
    """Measure the kind's settings; with a `target`, widen the default until it is met.

    Raises RecallBelowTarget when no setting of the kind meets it.
    """
    truth = _Truth(vectors_ND, queries, threads)
    variants = kind.variants()
    progress.start("measure index recall", len(variants))
    points = []
    for variant in variants:
        points.append(_point(index, variant, truth))
        progress.advance()
    progress.finish()
    chosen = _widen(index, kind, truth, points, target)
    report = RecallReport(
        queries=queries.source,
        n_queries=len(queries.vectors_QD) if truth.k else 0,
        k=truth.k,
        recall=_at(points, chosen).recall,
        target=target,
        points=tuple(sorted(points, key=lambda point: tuple(point.params.values()))),
    )
    return Measured(chosen, report)


@contextmanager
def of_role(role: str | None) -> Iterator[None]:
    """What misses its target in here says in which role, unless there is one alone (None)."""
    try:
        yield
    except RecallBelowTarget as error:
        if role is None:
            raise
        raise RecallBelowTarget(f"in the {role} role, {error}", **error.context, role=role) from error


class _Truth:
    """Exact k-th best scores of the queries, and the vectors to score an index's hits with."""

    def __init__(self, vectors_ND: FloatArray, queries: RecallQueries, threads: int) -> None:
        own = 0 if queries.own_rows_Q is None else 1
        self.vectors_ND = vectors_ND
        self.queries = queries
        self.k = min(RECALL_K, len(vectors_ND) - own)
        self.depth = self.k + own
        self.kth_Q = self._kth_scores(threads) if self.k else np.empty(0, dtype=np.float32)

    def _kth_scores(self, threads: int) -> FloatArray:
        with use_threads(threads):
            scores_QK, rows_QK = faiss.knn(
                self.queries.vectors_QD, self.vectors_ND, self.depth, metric=faiss.METRIC_INNER_PRODUCT
            )
        kth_Q: FloatArray = np.sort(self._without_self(scores_QK, rows_QK), axis=1)[:, -self.k]
        return kth_Q

    def recall(self, rows_QK: RowArray) -> float:
        """Share of the k best that `rows_QK` [Q, depth] holds."""
        # Scored anew: an index that stores codes would report scores of its own.
        scores_QK = np.einsum("qd,qkd->qk", self.queries.vectors_QD, self.vectors_ND[rows_QK])
        enough_Q1 = self.kth_Q[:, None] - SCORE_TOLERANCE * np.maximum(1, np.abs(self.kth_Q[:, None]))
        found_Q = (self._without_self(scores_QK, rows_QK) >= enough_Q1).sum(axis=1)
        return round(float(np.minimum(found_Q, self.k).mean() / self.k), 6)

    def _without_self(self, scores_QK: FloatArray, rows_QK: RowArray) -> FloatArray:
        if self.queries.own_rows_Q is None:
            return scores_QK
        return np.where(rows_QK == self.queries.own_rows_Q[:, None], -np.inf, scores_QK).astype(np.float32)


def _point(index: faiss.Index, kind: IndexKind, truth: _Truth) -> RecallPoint:
    if not truth.k:
        return RecallPoint(params=kind.setting(), recall=1, cpu_us_per_query=0)
    searcher = RowSearcher(CpuIndex(index), kind, truth.vectors_ND)
    queries_QD = truth.queries.vectors_QD
    before = time.thread_time()
    rows = [searcher.search(queries_QD[q : q + 1], truth.depth)[1] for q in range(len(queries_QD))]
    cpu_us = (time.thread_time() - before) / len(queries_QD) * 1e6
    return RecallPoint(
        params=kind.setting(), recall=truth.recall(np.concatenate(rows)), cpu_us_per_query=round(cpu_us, 1)
    )


def _widen(
    index: faiss.Index, kind: IndexKind, truth: _Truth, points: list[RecallPoint], target: float | None
) -> IndexKind:
    while target is not None and _at(points, kind).recall < target:
        wider: Sequence[IndexKind] = kind.wider()
        if not wider:
            best = max(point.recall for point in points)
            raise RecallBelowTarget(
                f"kind {kind.kind} reaches index recall {best:.4f} at its widest setting {kind.setting()}, below the "
                f"target {target}; raise its build settings, choose kind flat, or lower target_recall",
                target=target,
                recall=best,
            )
        for step in wider:
            if all(point.params != step.setting() for point in points):
                points.append(_point(index, step, truth))
        kind = max(wider, key=lambda step: _at(points, step).recall)
    return kind


def _at(points: list[RecallPoint], kind: IndexKind) -> RecallPoint:
    return next(point for point in points if point.params == kind.setting())
