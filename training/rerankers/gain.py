"""What a reranker changes on the test part: the towers' first items of each query, as they are and reranked.

R queries measured, K items of each.
"""

from dataclasses import dataclass

import numpy as np
import torch

from training.evaluate import Score, top_hits, unseen_relevant
from training.evaluation_set import EvaluationSet
from training.ragged import BoolArray
from training.rankers.contract import Ranker

_CUT = 10


@dataclass(frozen=True)
class RerankerGain:
    """Means over queries: reciprocal rank of the first relevant item among `depth`, recall of the first ten.

    A query whose relevant items the towers did not find counts with 0 in both.
    """

    queries: int
    depth: int
    mrr: tuple[float, float]
    recall: tuple[float, float]

    def flat(self) -> dict[str, float]:
        """For the manifest; `towers` is the order of the towers alone, over the same queries."""
        names = (f"reranker.towers.mrr@{self.depth}", f"reranker.mrr@{self.depth}")
        recall_names = (f"reranker.towers.recall@{_CUT}", f"reranker.recall@{_CUT}")
        values = dict(zip((*names, *recall_names), (*self.mrr, *self.recall), strict=True))
        return {**values, "reranker.queries": float(self.queries)}

    def note(self) -> str:
        """One line for people."""
        (mrr, mrr_after), (recall, recall_after) = self.mrr, self.recall
        return (
            f"reranking the first {self.depth} of {self.queries} test queries: MRR {mrr:.3f} -> {mrr_after:.3f}, "
            f"recall@{_CUT} {recall:.3f} -> {recall_after:.3f}"
        )


def measure_gain(
    ranker: Ranker, score: Score, queries: EvaluationSet, depth: int, most: int, *, exclude_seen: bool, seed: int
) -> RerankerGain:
    """Measure on a seeded sample of at most `most` queries that have a relevant item; `score` is the towers'."""
    relevant = unseen_relevant(queries, exclude_seen)[0]
    asked = np.flatnonzero(relevant.lengths > 0)
    query_R = np.sort(np.random.default_rng(seed).permutation(asked)[:most])
    items_RK = top_hits(score, queries, query_R, depth, exclude_seen).items_RK
    before, after = [], []
    for r, query in enumerate(query_R.tolist()):
        item_K = items_RK[r][items_RK[r] >= 0]
        with torch.no_grad():
            score_K = ranker.score(queries.query_rows_Q[[query]], item_K[None])[0].float().cpu().numpy()
        wanted = relevant.row(query)
        found_K = np.isin(item_K, wanted)
        before.append(_measures(found_K, len(wanted)))
        after.append(_measures(found_K[np.argsort(-score_K, kind="stable")], len(wanted)))
    (mrr, recall), (mrr_after, recall_after) = np.mean(before, axis=0), np.mean(after, axis=0)
    return RerankerGain(len(query_R), depth, (float(mrr), float(mrr_after)), (float(recall), float(recall_after)))


def _measures(found_K: BoolArray, n_relevant: int) -> tuple[float, float]:
    places = np.flatnonzero(found_K)
    return (1 / (1 + places[0]) if len(places) else 0.0), found_K[:_CUT].sum() / n_relevant
