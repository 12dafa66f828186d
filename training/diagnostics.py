"""What the averages hide: rare items, scores across queries, hubs, and the shape of the embedding.

Letters: N items, Q queries, D embedding, P interactions.
"""

from dataclasses import dataclass

import numpy as np
import torch

from bundle.hubness import Hubness, K, skewness
from training.auc import PooledAuc, PooledScores, Threshold, pooled_scores, split_queries
from training.compare import MODEL, Comparison, part_queries
from training.config import TrainConfig
from training.dataset import Dataset
from training.embedding_map import EmbeddingMap
from training.evaluate import Hits, Ranking, top_hits
from training.learn import Learned
from training.metrics import Band, graded_ndcg, precision, recall_by_band
from training.model import embed
from training.propensity import psp
from training.ragged import FloatArray, IntArray
from training.score import dot_score
from training.splits import Split


@dataclass(frozen=True)
class Diagnostics:
    """Measures of a finished run beyond `training.evaluate`, on the test part.

    `extra`: precision, propensity-scored precision and, where interactions have grades, graded nDCG, by method.
    `count_N`: how often each item was trained on. `bands`: recall@`band_k` by those counts and method. `threshold` was
    chosen on `threshold_from`. `hits`: the model's first hits. `relevant_skew`: the skewness that the relevant items
    themselves have, beside that of the hubs.
    """

    extra: dict[str, dict[str, float]]
    count_N: IntArray
    bands: dict[str, list[Band]]
    band_k: int
    scores: PooledScores
    auc: PooledAuc | None
    threshold: Threshold | None
    threshold_from: str
    hits: Hits
    hubness: Hubness
    relevant_skew: float
    item_ND: FloatArray
    map: EmbeddingMap


def diagnose(
    config: TrainConfig, dataset: Dataset, split: Split, learned: Learned, comparison: Comparison
) -> Diagnostics:
    """Measure a finished run; the items are embedded once more, on the CPU."""
    fit_N = np.union1d(split.train_N, split.validation_N) if learned.final_logs else split.train_N
    count_N = np.bincount(dataset.interactions.item_N[fit_N], minlength=len(dataset.items)).astype(np.int64)
    item_ND = embed(learned.model.item, learned.items, torch.device("cpu"))
    exclude_seen, band_k = config.evaluation.exclude_seen, depth(config)
    scores = pooled_scores(comparison.score, comparison.queries, exclude_seen)
    auc = PooledAuc.of(scores)
    chosen_on, measured_on, threshold_from = _threshold_parts(config, dataset, split, learned, scores, item_ND)
    chosen, ranking = PooledAuc.of(chosen_on), comparison.rankings[MODEL]
    hits = top_hits(comparison.score, comparison.queries, ranking.query_R, K, exclude_seen)
    return Diagnostics(
        extra=_extra(config, dataset, split, fit_N, comparison),
        count_N=count_N,
        bands={
            method: recall_by_band(r.ranks_V, r.relevant.values_V, count_N, band_k)
            for method, r in comparison.rankings.items()
        },
        band_k=band_k,
        scores=scores,
        auc=auc,
        threshold=None if chosen is None else Threshold.measured(chosen.roc.best_threshold(), measured_on),
        threshold_from=threshold_from,
        hits=hits,
        hubness=Hubness.of(hits.items_RK, len(dataset.items)),
        relevant_skew=skewness(np.bincount(ranking.relevant.values_V, minlength=len(dataset.items)).astype(np.int64)),
        item_ND=item_ND,
        map=EmbeddingMap.of(item_ND),
    )


def depth(config: TrainConfig) -> int:
    """The k of the metric that picks the epoch; the first of the measured ones when it has none."""
    _, _, k = config.trainer.metric.partition("@")
    return int(k) if k else config.evaluation.ks[0]


def _threshold_parts(
    config: TrainConfig,
    dataset: Dataset,
    split: Split,
    learned: Learned,
    scores: PooledScores,
    item_ND: FloatArray,
) -> tuple[PooledScores, PooledScores, str]:
    """Where a threshold is chosen, and where it is measured.

    A model trained on validation scores its pairs higher than new ones, so a threshold from there would not hold.
    """
    if len(split.validation_N) == 0 or learned.final_logs:
        first, second = split_queries(scores)
        if len(first.positive_V) and len(second.positive_V):
            return first, second, "every other test query, and measured on the rest"
        return scores, scores, "the single test query, which says little"
    queries = part_queries(config, dataset, split, learned.features.query, "validation")
    query_QD = embed(learned.model.query, queries.encoded, torch.device("cpu"))
    score = dot_score(query_QD, item_ND)
    return pooled_scores(score, queries, config.evaluation.exclude_seen), scores, "validation, and measured on test"


def _extra(
    config: TrainConfig, dataset: Dataset, split: Split, fit_N: IntArray, comparison: Comparison
) -> dict[str, dict[str, float]]:
    interactions, ks = dataset.interactions, config.evaluation.ks
    pair_P = np.unique(interactions.query_N[fit_N] * len(dataset.items) + interactions.item_N[fit_N])
    having_N = np.bincount(pair_P % len(dataset.items), minlength=len(dataset.items)).astype(np.int64)
    n_queries = len(np.unique(interactions.query_N[fit_N]))
    weight_N = config.evaluation.propensity.weights(having_N, n_queries)
    result = {}
    for method, r in comparison.rankings.items():
        row_V, item_V, n = r.relevant.row_index_V, r.relevant.values_V, len(r.query_R)
        result[method] = {
            **precision(r.ranks_V, row_V, n, ks),
            **psp(r.ranks_V, row_V, weight_N[item_V], n, ks),
        }
        gain_V = _gains(dataset, split, comparison, r)
        if gain_V is not None:
            result[method] |= graded_ndcg(r.ranks_V, row_V, gain_V, n, ks)
    return result


def _gains(dataset: Dataset, split: Split, comparison: Comparison, ranking: Ranking) -> FloatArray | None:
    """The grade of each relevant pair, the highest if it stands there repeatedly.

    None when the test interactions carry no grades, all the same, or a negative one.
    """
    interactions, n_items = dataset.interactions, len(dataset.items)
    if interactions.grade_N is None:
        return None
    grade_P = interactions.grade_N[split.test_N]
    if len(np.unique(grade_P)) < 2 or not (grade_P >= 0).all():
        return None
    key_P = interactions.query_N[split.test_N] * n_items + interactions.item_N[split.test_N]
    order_P = np.lexsort((-grade_P, key_P))
    query_V = comparison.queries.query_rows_Q[ranking.query_R][ranking.relevant.row_index_V]
    wanted_V = query_V * n_items + ranking.relevant.values_V
    gain_V: FloatArray = grade_P[order_P][np.searchsorted(key_P[order_P], wanted_V)]
    return gain_V
