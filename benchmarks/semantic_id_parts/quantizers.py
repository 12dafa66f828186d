"""Every quantizer on the same text vectors: use of the codes, error, neighbours kept, and what fitting costs.

Axes: N documents, Q queries, D embedding, L levels.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from benchmarks.debian_data import debian_synopsis
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.text_vectors import minilm_vectors
from bundle.semantic_id import SemanticIdSpace
from index.resolution import CollisionConfig, resolve
from training.quantizers import QuantizerConfig
from training.quantizers.contract import QuantizerData
from training.ragged import FloatArray, IntArray
from training.semantic_ids import SemanticIds, fit_semantic_ids

TASK, LEVELS, SIZE = "debian-descriptions-3x256", 3, 256
MAX_TOKENS, SAMPLE, DEPTHS = 96, 2000, (10, 100)
COLLAPSE_SEEDS = 5
QUANTIZERS: Mapping[str, Mapping[str, Any]] = {
    "residual": {"kind": "residual"},
    "residual-wide-training": {"kind": "residual", "training_beam": 5},
    "residual-unrefined": {"kind": "residual", "refine": False, "beam": 1},
    "residual-kmeans": {"kind": "residual_kmeans"},
    "residual-kmeans-balanced": {"kind": "residual_kmeans", "assign": "balanced"},
    "fsq": {"kind": "fsq", "grid": (4, 4, 4, 4)},
    "rq-vae": {"kind": "rq_vae"},
    "rq-vae-without-details": {"kind": "rq_vae", "details": 0},
    "rq-vae-rotation": {"kind": "rq_vae", "gradient": "rotation"},
    "rq-vae-sinkhorn": {"kind": "rq_vae", "assign": "sinkhorn"},
}
# Everything else is fitted as often as the collapse check asks.
FEWER_SEEDS = ("fsq", "residual-kmeans-balanced", "rq-vae-rotation", "rq-vae-sinkhorn", "rq-vae-without-details")
METRICS = ("relative_error", *(f"{name}@{level}" for name in ("perplexity", "gini") for level in (1, 2, 3)))
_ADAPTER: TypeAdapter[QuantizerConfig] = TypeAdapter(QuantizerConfig)


def debian_vectors(data: Path, cache: Path) -> FloatArray:
    """Frozen MiniLM vectors [N, 384] of the 10,708 long descriptions of the synopsis task's test corpus."""
    task = debian_synopsis(data)
    return minilm_vectors(task.document_texts(task.exams["test"]), cache, MAX_TOKENS)


def measure(budget: Budget) -> list[Row]:
    """Rows of all quantizers; the lowest perplexity is that over five seeds."""
    vectors_ND = debian_vectors(budget.data, budget.cache)
    vectors_ND = vectors_ND[:2000] if budget.quick else vectors_ND
    queries_Q = np.sort(np.random.default_rng(0).choice(len(vectors_ND), min(SAMPLE, len(vectors_ND)), replace=False))
    exact_QK = nearest(vectors_ND, vectors_ND, queries_Q, 10)
    rows = []
    for method, settings in list(QUANTIZERS.items())[: 2 if budget.quick else None]:
        runs = [_run(settings, vectors_ND, queries_Q, exact_QK, seed) for seed in range(_seeds(budget, method))]
        rows += _rows(method, runs, budget.seeds)
        print(f"{TASK:>28}  {method:<28} {len(runs)} seeds", flush=True)
    return rows


def _seeds(budget: Budget, method: str) -> int:
    return budget.seeds if budget.quick or method in FEWER_SEEDS else max(budget.seeds, COLLAPSE_SEEDS)


def _run(
    settings: Mapping[str, Any], vectors_ND: FloatArray, queries_Q: IntArray, exact_QK: IntArray, seed: int
) -> dict[str, float]:
    config = _ADAPTER.validate_python(dict(settings))
    started = time.process_time()
    fitted = fit_semantic_ids(config, QuantizerData(vectors_ND), seed, 1)
    seconds = time.process_time() - started
    return measures(fitted, queries_Q, exact_QK) | {"fit_cpu_s": seconds}


def measures(fitted: SemanticIds, queries_Q: IntArray, exact_QK: IntArray) -> dict[str, float]:
    """The measures of one fit, its neighbours by decoded vectors [N, D] included."""
    levels = fitted.code_NL.shape[1]
    with torch.no_grad():
        decoded_ND = fitted.quantizer.decode(torch.from_numpy(fitted.code_NL)).numpy()
    found = {name: fitted.metrics[name] for name in METRICS if name in fitted.metrics}
    found["unique"] = 1 - fitted.metrics[f"dup_excess@{levels}"]
    found["dup_share"] = fitted.metrics[f"dup_share@{levels}"]
    for depth in DEPTHS:
        near_QK = nearest(fitted.embedding_ND, decoded_ND, queries_Q, depth)
        found[f"recall@10-in-{depth}"] = overlap(exact_QK, near_QK)
    return found | {"collisions-after-repair": _after_repair(fitted)}


def _after_repair(fitted: SemanticIds) -> float:
    """Items that share their ID when the last level of collisions is assigned anew; the index then gives suffixes."""

    def decode(code_NL: IntArray) -> FloatArray:
        with torch.no_grad():
            decoded_ND: FloatArray = fitted.quantizer.decode(torch.from_numpy(code_NL)).numpy()
        return decoded_ND

    space, policy = SemanticIdSpace(fitted.quantizer.codebook_sizes), CollisionConfig(policy="sinkhorn_last")
    resolved = resolve(fitted.code_NL, fitted.embedding_ND, decode, space, policy)
    return float(resolved.report.unresolved)


def nearest(queries_ND: FloatArray, corpus_ND: FloatArray, rows_Q: IntArray, k: int) -> IntArray:
    """Rows [Q, k] of the largest dot products of the given rows with the corpus, each without itself."""
    score_QN = queries_ND[rows_Q] @ corpus_ND.T
    score_QN[np.arange(len(rows_Q)), rows_Q] = -np.inf
    near_QK: IntArray = np.argpartition(-score_QN, k, axis=1)[:, :k]
    return near_QK


def overlap(wanted_QK: IntArray, found_QM: IntArray) -> float:
    """Mean share of the wanted rows that were found."""
    return float((wanted_QK[:, :, None] == found_QM[:, None, :]).any(2).mean())


def _rows(method: str, runs: list[dict[str, float]], seeds: int) -> list[Row]:
    """Means over the first `seeds` runs, and the lowest perplexity of any level of any run."""
    least = min(run[name] for run in runs for name in run if name.startswith("perplexity"))
    return [*rows_of(TASK, method, runs[:seeds]), Row(TASK, method, "least_perplexity", least, None, len(runs))]


EVERY_QUANTIZER = Part(
    f"""`{TASK}`: MiniLM vectors (frozen, {MAX_TOKENS} tokens) of the 10,708 Debian descriptions of
`objectives.md`'s synopsis task, three levels of 256 codes. `unique`: distinct semantic IDs over items, before any
repair; `relative_error`: squared error over variance; `recall@10-in-k`: share of the ten exact neighbours among the k
nearest decoded vectors, {SAMPLE:,} queries; 15 % of the documents have a neighbour at cosine above .99, so a good part
of what shares an ID is duplicate content. `collisions-after-repair`: items that still share one when `sinkhorn_last`
has assigned their last code anew; the index tells these apart by a suffix. `rq-vae` reads four random waves of the
embedding beside its learned latent space (`details`), which tell near-duplicates apart; that is our own device, and one
row is without it. `least_perplexity`: of any level in any seed, five of them for the first three kinds and
`rq-vae`. The defaults of `residual` and `rq_vae` were chosen on these vectors.""",
    measure,
)
