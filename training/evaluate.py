"""Evaluation by full ranking: every query ranks the whole catalogue, no sampled negatives.

Letters: B queries of a chunk, N items, Q queries, R ranked queries, V relevant pairs, K places of a list.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.errors import BadData
from training.evaluation_set import EvaluationSet
from training.metrics import RankArray, query_metrics, ranks_of, top_k, top_k_union
from training.ragged import BoolArray, FloatArray, IntArray, Ragged

Score = Callable[[IntArray], FloatArray]
"""Gives float32 scores [B, N] over all items for row numbers [B] of an evaluation set; larger is better."""

SCORES_A_CHUNK = 16_000_000  # 64 MB of float32, whatever the size of the catalogue


@dataclass(frozen=True)
class Ranking:
    """Where the relevant items landed. `query_R`: rows of the evaluation set that were ranked."""

    query_R: IntArray
    relevant: Ragged
    ranks_V: RankArray
    covered: dict[int, BoolArray]
    relevant_seen: int

    def metrics(self) -> dict[str, float]:
        """Means over the ranked queries (see training.metrics) and, for each k, the catalogue coverage.

        coverage@k: share of the catalogue that stands among the first k of at least one query.
        """
        result = {name: float(np.mean(value_R)) for name, value_R in self.by_query().items()}
        for k, covered_N in self.covered.items():
            result[f"coverage@{k}"] = float(covered_N.mean())
        result["queries"] = float(len(self.query_R))
        result["relevant"] = float(len(self.ranks_V))
        result["relevant_seen"] = float(self.relevant_seen)
        return result

    def by_query(self) -> dict[str, RankArray]:
        """The value [R] of every ranked query by metric (see training.metrics)."""
        return query_metrics(self.ranks_V, self.relevant.row_index_V, len(self.query_R), list(self.covered))


def evaluate(
    score: Score, evaluation_set: EvaluationSet, ks: Sequence[int] = (10, 20), exclude_seen: bool = True
) -> dict[str, float]:
    """Metrics of `score` on `evaluation_set`: `recall@10`, `ndcg@10`, `mrr@10`, `hit_rate@10`, `coverage@10`, `mrr`.

    With `exclude_seen` a query's seen items are no candidates, and relevant items it has seen (repeat purchases) are no
    longer relevant; `relevant_seen` counts those pairs, and queries left without a relevant item are not among
    `queries`. Switch it off where queries consume items again. Raises BadData when no query is left.
    """
    return rank(score, evaluation_set, ks, exclude_seen).metrics()


def rank(
    score: Score, evaluation_set: EvaluationSet, ks: Sequence[int] = (10, 20), exclude_seen: bool = True
) -> Ranking:
    """Rank the relevant items of every query; memory is bounded by SCORES_A_CHUNK scores. See `evaluate`."""
    relevant, relevant_seen = unseen_relevant(evaluation_set, exclude_seen)
    query_R = np.flatnonzero(relevant.lengths > 0).astype(np.int64)
    if len(query_R) == 0:
        raise BadData(
            f"no query is left to evaluate: {len(evaluation_set)} queries, {relevant_seen} relevant items seen before"
        )
    relevant = relevant.take(query_R)
    parts: list[RankArray] = []
    covered: dict[int, BoolArray] = {}
    for chunk_B, scores_BN in scored_chunks(score, evaluation_set, query_R, exclude_seen):
        parts.append(ranks_of(scores_BN, relevant.take(chunk_B)))
        for k in ks:
            union_N = top_k_union(scores_BN, k)
            covered[k] = covered[k] | union_N if k in covered else union_N
    return Ranking(query_R, relevant, np.concatenate(parts), covered, relevant_seen)


@dataclass(frozen=True)
class Hits:
    """The first K items of the queries at `query_R`, best first; -1 and -inf where fewer candidates were left."""

    query_R: IntArray
    items_RK: IntArray
    scores_RK: FloatArray


def top_hits(score: Score, evaluation_set: EvaluationSet, query_R: IntArray, k: int, exclude_seen: bool = True) -> Hits:
    """The first `k` items of each query at `query_R` (rows of the evaluation set); ties go to the lower item row."""
    items, scores = [], []
    for _, scores_BN in scored_chunks(score, evaluation_set, query_R, exclude_seen):
        items_BK = top_k(scores_BN, k)
        taken_BK = np.take_along_axis(scores_BN, np.maximum(items_BK, 0), axis=1)
        items.append(items_BK)
        scores.append(np.where(items_BK < 0, np.float32(-np.inf), taken_BK))
    return Hits(query_R, np.concatenate(items), np.concatenate(scores))


def scored_chunks(
    score: Score, evaluation_set: EvaluationSet, query_R: IntArray, exclude_seen: bool
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Positions [B] in `query_R` and their scores [B, N]; at most SCORES_A_CHUNK.

    Barred items are at -inf, seen ones too if excluded. The scores are the caller's to change.
    """
    excluded = [
        *([evaluation_set.seen] if exclude_seen else []),
        *([evaluation_set.barred] if evaluation_set.barred else []),
    ]
    start, size = 0, 1  # the first chunk is one query: its scores tell the size of the catalogue
    while start < len(query_R):
        chunk_B = np.arange(start, min(start + size, len(query_R)), dtype=np.int64)
        scores_BN = np.array(score(query_R[chunk_B]), dtype=np.float32)
        for items in excluded:
            out = items.take(query_R[chunk_B])
            scores_BN[out.row_index_V, out.values_V] = -np.inf
        yield chunk_B, scores_BN
        start, size = start + size, max(1, SCORES_A_CHUNK // scores_BN.shape[1])


def unseen_relevant(evaluation_set: EvaluationSet, exclude_seen: bool) -> tuple[Ragged, int]:
    """The relevant items of every query, without those it has seen if they are excluded, and how many that took."""
    relevant, seen = evaluation_set.relevant, evaluation_set.seen
    if not exclude_seen or len(relevant.values_V) == 0:
        return relevant, 0
    width = 1 + max(int(relevant.values_V.max()), int(seen.values_V.max(initial=0)))
    is_seen_V = np.isin(relevant.row_index_V * width + relevant.values_V, seen.row_index_V * width + seen.values_V)
    return relevant.select(~is_seen_V), int(is_seen_V.sum())
