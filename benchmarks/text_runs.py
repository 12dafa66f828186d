"""Trains methods on the text tasks, one process a core, and marks their exams.

A worker makes a task once and keeps it; a run is a method, a seed and what lies over the task's base configuration.
"""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.banking77_data import banking77
from benchmarks.comparison import merged
from benchmarks.debian_data import debian_synopsis, debian_tags
from benchmarks.exam import Exam, Sheet, corpus_of, tower_embeddings
from benchmarks.lexical import bm25, z_sum
from benchmarks.lexical_judge import judged_by_bm25
from benchmarks.medquad_data import medquad
from benchmarks.report import Row, rows_of
from benchmarks.text_task import TEXT, Task
from bundle.config import validate_config
from bundle.features import TextFeature
from bundle.progress import NoProgress
from training.auc import PooledAuc, pooled_scores
from training.config import TrainConfig
from training.dataset import Dataset
from training.evaluate import Score
from training.learn import Learner
from training.ragged import FloatArray
from training.score import dot_score
from training.splits import Split
from training.synthetic_queries.mix import add_pairs, pairs_with_words
from training.synthetic_queries.sources.contract import Surroundings
from training.synthetic_queries.sources.extract import ExtractSource
from training.synthetic_queries.texts import item_texts

# What the table leaves out: other depths of nDCG and MRR than 10, and hit rate, which is recall for one target.
FEW = 200
KEPT = re.compile(r"(precision|psp|recall|mrr$|(mrr|ndcg|graded_ndcg)@10\b)")
TASKS = {"debian-synopsis": debian_synopsis, "debian-tags": debian_tags, "medquad": medquad}


@dataclass(frozen=True)
class Run:
    """One training. `pairs`: how many training pairs are drawn by the seed; all when None. `noise`: wrong labels.

    `hybrid`: mark the sum of z-scores with BM25 too. `widths`: mark the embeddings cut to these widths too.
    `synthetic`: queries extracted from each document of the corpus, added to the training pairs. `judged`: documents
    that BM25 judges for each training query, for methods with a teacher.
    """

    method: str
    settings: Mapping[str, Any]
    seed: int
    pairs: int | None = None
    noise: float | None = None
    hybrid: bool = False
    widths: tuple[int, ...] = ()
    synthetic: int = 0
    judged: int = 0


@lru_cache(maxsize=1)
def task_of(name: str, data: Path) -> Task:
    """The task, made once a process."""
    return TASKS[name](data)


@lru_cache(maxsize=1)
def _judged_task(name: str, data: Path, judged: int) -> Task:
    return judged_by_bm25(task_of(name, data), judged)


def _task_of_run(name: str, data: Path, run: Run) -> Task:
    if run.noise is not None:
        return banking77(data, run.noise, run.seed).task
    return _judged_task(name, data, run.judged) if run.judged else task_of(name, data)


def train_text(name: str, data: Path, run: Run) -> dict[str, dict[str, float]]:
    """Marks on the test exam by method name, with the CPU seconds of training; parts by `<metric> <part>`."""
    torch.set_num_threads(1)
    task = _task_of_run(name, data, run)
    settings = merged(merged(task.base, run.settings), {"trainer": {"seed": run.seed}})
    config = validate_config(TrainConfig, settings, name)
    exam = task.exams["test"]
    dataset, split = _training_data(task, exam, run)
    started = time.process_time()
    learned = Learner(config, dataset, split, NoProgress()).learn()
    seconds = time.process_time() - started
    query_QD, document_CD = tower_embeddings(learned, task.dataset, exam)
    score = dot_score(query_QD, document_CD)
    results = {run.method: {**marks(score, exam), "train_cpu_s": seconds}}
    for width in run.widths:
        results[f"{run.method}-cut-{width}"] = marks(dot_score(cut(query_QD, width), cut(document_CD, width)), exam)
    if run.hybrid:
        lexical = bm25(task.document_texts(exam), task.query_texts(exam.query_rows_Q))
        results[f"{run.method}+bm25"] = marks(z_sum(lexical, score), exam)
    return results


def _training_data(task: Task, exam: Exam, run: Run) -> tuple[Dataset, Split]:
    split = task.split
    if run.pairs is not None:
        chosen = np.random.default_rng(run.seed).choice(split.train_N, run.pairs, replace=False)
        split = replace(split, train_N=np.sort(chosen))
    if run.synthetic == 0:
        return task.dataset, split
    source = ExtractSource(kinds=("sentence", "key_phrase"), per_item=run.synthetic, seed=run.seed)
    texts = item_texts(corpus_of(task.dataset, exam), task.columns, None)
    feature = TextFeature.model_validate(task.base["features"]["query"][0])
    pairs = pairs_with_words(source.make(texts, Surroundings(Path(), Path())).pairs, feature)
    mixed = add_pairs(task.dataset, split, pairs, TEXT, seed=run.seed)
    return mixed.dataset, mixed.split


def cut(embedding_ND: FloatArray, width: int) -> FloatArray:
    """The first `width` numbers, at unit length."""
    short: FloatArray = embedding_ND[:, :width] / np.linalg.norm(embedding_ND[:, :width], axis=1, keepdims=True)
    return short


def marks(score: Score, exam: Exam) -> dict[str, float]:
    """The measures over the whole exam and over its parts, and the pooled AUC."""
    sheet = exam.sit(score)
    pooled = PooledAuc.of(pooled_scores(score, exam.evaluation_set(), exclude_seen=False))
    parts = {f"{key} {part}": v for part, values in sheet.part_marks().items() for key, v in values.items()}
    wanted = {key: value for key, value in (sheet.marks() | parts).items() if KEPT.match(key)}
    return wanted | ({"pooled_auc": pooled.pooled} if pooled else {}) | _interval(sheet)


def _interval(sheet: Sheet) -> dict[str, float]:
    """The 95 % bootstrap interval of nDCG by grades, of an exam with so few queries that it matters."""
    if len(sheet.exam) > FEW:
        return {}
    low, high = sheet.intervals()["graded_ndcg@10"]
    return {"graded_ndcg@10 low": low, "graded_ndcg@10 high": high}


def text_rows(name: str, data: Path, runs: Sequence[Run], jobs: int) -> list[Row]:
    """Train all runs, `jobs` at a time; rows of mean and spread over the seeds of each method."""
    measured: dict[str, list[dict[str, float]]] = {}
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for run, results in zip(runs, pool.map(partial(train_text, name, data), runs), strict=True):
            for method, values in results.items():
                measured.setdefault(method, []).append(values)
            first = next(iter(results.values()))
            shown = ", ".join(f"{key} {first[key]:.4f}" for key in list(first)[:3])
            print(f"{name:>20}  {run.method:<34} seed {run.seed}  {shown}", flush=True)
    return [row for method, values in measured.items() for row in rows_of(name, method, values)]
