"""Do semantic IDs learned with behaviour, in one stage, say more of it than those of content, or of aligned content?

Axes: N items, L levels, B pairs, P pairs of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from benchmarks.cold_start import ColdTask, cold_tasks, downstream
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.semantic_id_parts.two_stage import TwoStage
from bundle.config import validate_config
from training.config import TrainConfig
from training.quantizers.contract import Behaviour, Quantizer, QuantizerBuilder, QuantizerData
from training.quantizers.das import DasConfig
from training.quantizers.pair_batches import PairBatches
from training.quantizers.rq_vae import RqVaeConfig
from training.ragged import IntArray

PROTOCOL = """
3 levels of 64 codes over frozen MiniLM vectors: of the descriptions of Online Retail, from 2011-11-21 on held out, and
of title and genres in MovieLens-100K, the last 20 % of the ratings by time held out. Quantizers see what lies before
alone; what is measured is held out. `rq_vae` reads content alone. `align-then-quantize` is two stages: the same
behaviour losses and alignment terms first move a map of the content without codes, then an RQ-VAE quantizes what it
gives, so that it differs from `das` in its stages and not in its losses. The weight .1 of the alignment terms, for
both, was chosen over the paper's .5 on validation alone (Online Retail from 2011-10-31 to 11-20, the ratings from 70 %
to 80 %; two seeds); `das-paper-weight` has .5. `lift@m`: share of held-out pairs of items of one user that share the
first m codes, divided by the share among all pairs of items. `nmi@m` and `ami@m`: normalised and
adjusted mutual information of the first m codes and 32 clusters of the held-out co-occurrences (k-means on 32
directions of positive pointwise mutual information, items with at least 5 held-out interactions); the adjusted one
does not grow with the number of prefixes alone. `dup_excess`: 1 - distinct IDs / items. `recall@10`,
`cold_recall@10`, `shelf_recall@10`: a tower whose items are the prefixes of these semantic IDs alone, quantizer and
tower trained without the cold items, with the data, splits and measures of `cold-items`.
"""
CODES: dict[str, Any] = {"codebook_size": 64, "latent": 64, "steps": 400}
CLUSTERS = 32
_SPLITS = {"movielens-100k": {"split": {"kind": "time", "validation_from": None, "test_from": 0.8}}}
DOWNSTREAM = ("recall@10", "cold_recall@10", "shelf_recall@10")


@dataclass(frozen=True)
class AlignmentTask:
    """Item vectors and training behaviour, and the behaviour that is held out."""

    data: QuantizerData
    held_out: Behaviour


def methods() -> Mapping[str, QuantizerBuilder]:
    """Quantizers by name, at equal levels and codes."""
    return {
        "rq_vae": RqVaeConfig(**CODES),
        "align-then-quantize": TwoStage(quantizer=RqVaeConfig(**CODES), alignment=_das()),
        "das": _das(),
        "das-paper-weight": _das(alignment_weight=0.5),
    }


def measure(budget: Budget) -> list[Row]:
    """Fit every method on both tasks; measure its codes on the held-out part, and towers that read them."""
    rows = []
    for cold in cold_tasks(budget.cache)[: 1 if budget.quick else None]:
        task = _task(cold)
        cluster_N = co_occurrence_clusters(task.held_out, len(task.data.embedding_ND))
        for method, config in methods().items():
            runs = [
                {**alignment(config.fit(task.data, seed, 1), task, cluster_N), **_found(cold, config, seed)}
                for seed in range(budget.seeds)
            ]
            rows += rows_of(f"alignment-{cold.task}", method, runs)
    return rows


def _found(cold: ColdTask, config: QuantizerBuilder, seed: int) -> dict[str, float]:
    found = downstream(cold, config, seed)
    return {name: found[name] for name in DOWNSTREAM}


def alignment(quantizer: Quantizer, task: AlignmentTask, cluster_N: IntArray) -> dict[str, float]:
    """How far codes agree with held-out behaviour. `cluster_N` is -1 where an item has too little of it."""
    with torch.no_grad():
        code_NL = quantizer.encode(torch.from_numpy(task.data.embedding_ND)).numpy()
    pairs = PairBatches(task.held_out, len(code_NL), seed=0).next(200_000)
    left_B, right_B = pairs.item_B.numpy(), pairs.other_item_B.numpy()
    apart_B = left_B != right_B
    known_N = cluster_N >= 0
    found: dict[str, float] = {}
    for length in (1, 2):
        prefix_N = np.unique(code_NL[:, :length], axis=0, return_inverse=True)[1].reshape(-1)
        found[f"lift@{length}"] = prefix_lift(prefix_N, left_B[apart_B], right_B[apart_B])
        found[f"nmi@{length}"] = float(normalized_mutual_info_score(cluster_N[known_N], prefix_N[known_N]))
        found[f"ami@{length}"] = float(adjusted_mutual_info_score(cluster_N[known_N], prefix_N[known_N]))
    found["dup_excess"] = 1 - len(np.unique(code_NL, axis=0)) / len(code_NL)
    return found


def prefix_lift(prefix_N: IntArray, left_B: IntArray, right_B: IntArray) -> float:
    """Share of the pairs with equal prefixes over what a random permutation of the codes gives on average."""
    count = np.bincount(prefix_N)
    by_chance = (count * (count - 1)).sum() / (len(prefix_N) * (len(prefix_N) - 1))
    return float((prefix_N[left_B] == prefix_N[right_B]).mean() / by_chance) if by_chance else 0.0


def co_occurrence_clusters(behaviour: Behaviour, n_items: int, least: int = 5, clusters: int = CLUSTERS) -> IntArray:
    """Cluster of every item, -1 for items with fewer than `least` pairs: users in common, as PPMI, SVD, k-means."""
    taken_QN = np.zeros((behaviour.n_queries, n_items), np.float32)
    taken_QN[behaviour.query_P, behaviour.item_P] = 1
    known_N = taken_QN.sum(0) >= least
    together_KK = taken_QN[:, known_N].T @ taken_QN[:, known_N]
    np.fill_diagonal(together_KK, 0)
    total_K = together_KK.sum(1) + 1e-9
    ratio_KK = together_KK * together_KK.sum() / np.outer(total_K, total_K)
    ppmi_KK = np.log(np.maximum(ratio_KK, 1))
    width = min(32, len(ppmi_KK) - 1)
    point_KW = TruncatedSVD(width, random_state=0).fit_transform(ppmi_KK)
    cluster_N = np.full(n_items, -1)
    cluster_N[known_N] = KMeans(min(clusters, len(point_KW)), n_init=4, random_state=0).fit_predict(point_KW)
    return cluster_N


def _das(**settings: float) -> DasConfig:
    return DasConfig(**{**CODES, "pair_batch_size": 512, **settings})


def _task(cold: ColdTask) -> AlignmentTask:
    """Vectors and training behaviour of the data set, and what it holds out by time."""
    dataset = cold.dataset
    split = validate_config(TrainConfig, {**cold.base, **_SPLITS.get(cold.task, {})}, cold.task).split.split(dataset)
    n_queries = len(dataset.query_ids)
    train = Behaviour.of(dataset.interactions, np.union1d(split.train_N, split.validation_N), n_queries)
    held_out = Behaviour.of(dataset.interactions, split.test_N, n_queries)
    return AlignmentTask(QuantizerData(cold.content_ND(), train), held_out)


ALIGNMENT = Part(PROTOCOL, measure)
