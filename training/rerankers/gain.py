"""What a reranker changes on the test part: the towers' first items of each query, as they are and reranked.

R queries measured, K items of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.evaluate import top_hits, unseen_relevant
from training.ragged import BoolArray
from training.rerankers.contract import AskedPart, ListScore
from training.score import dot_score

_CUT = 10
_NDCG_CUT = 20


@dataclass(frozen=True)
class RerankerGain:
    """Means over queries by measure: of the towers alone, and reranked.

    `mrr`: reciprocal rank of the first relevant item among `depth`. A query whose relevant items the towers did not
    find counts with 0 in all.
    """

    kind: str
    queries: int
    depth: int
    measures: Mapping[str, tuple[float, float]]

    def flat(self) -> dict[str, float]:
        """For the manifest; `towers` is the order of the towers alone, over the same queries."""
        name = f"rerankers.{self.kind}"
        before = {f"{name}.towers.{measure}": values[0] for measure, values in self.measures.items()}
        after = {f"{name}.{measure}": values[1] for measure, values in self.measures.items()}
        return {**before, **after, f"{name}.queries": float(self.queries)}

    def note(self) -> str:
        """One line for people."""
        changes = (f"{measure} {before:.3f} -> {after:.3f}" for measure, (before, after) in self.measures.items())
        return f"{self.kind} over the first {self.depth} of {self.queries} test queries: {', '.join(changes)}"


def measure_gain(
    kind: str, score: ListScore, part: AskedPart, depth: int, most: int, *, exclude_seen: bool, seed: int
) -> RerankerGain:
    """Measure on a seeded sample of at most `most` queries that have a relevant item."""
    queries = part.queries
    relevant = unseen_relevant(queries, exclude_seen)[0]
    asked = np.flatnonzero(relevant.lengths > 0)
    query_R = np.sort(np.random.default_rng(seed).permutation(asked)[:most])
    towers = dot_score(part.query_QD, part.item_ND)
    items_RK = top_hits(towers, queries, query_R, depth, exclude_seen).items_RK
    before, after = [], []
    for r, query in enumerate(query_R.tolist()):
        item_K = items_RK[r][items_RK[r] >= 0]
        wanted = relevant.row(query)
        found_K = np.isin(item_K, wanted)
        before.append(_measures(found_K, len(wanted)))
        order_K = np.argsort(-score(query, item_K), kind="stable")
        after.append(_measures(found_K[order_K], len(wanted)))
    names = (f"mrr@{depth}", f"recall@{_CUT}", f"ndcg@{_NDCG_CUT}")
    means = zip(np.mean(before, axis=0).tolist(), np.mean(after, axis=0).tolist(), strict=True)
    return RerankerGain(kind, len(query_R), depth, dict(zip(names, means, strict=True)))


def ndcg(found_K: BoolArray, n_relevant: int, cut: int) -> float:
    """nDCG of a list in order, over its first `cut`; all relevant items count, found or not."""
    ideal = 1 / np.log2(np.arange(2, 2 + min(cut, n_relevant)))
    places = np.flatnonzero(found_K[:cut])
    return float((1 / np.log2(places + 2)).sum() / ideal.sum())


def _measures(found_K: BoolArray, n_relevant: int) -> tuple[float, float, float]:
    places = np.flatnonzero(found_K)
    mrr = 1 / (1 + places[0]) if len(places) else 0.0
    return mrr, found_K[:_CUT].sum() / n_relevant, ndcg(found_K, n_relevant, _NDCG_CUT)
