"""The two text tasks as a reranker meets them: queries to train on, to tune on and to be measured on.

Q queries, C documents of a corpus, V relevant pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.debian_data import debian_synopsis
from benchmarks.exam import Exam, Found, Graded, Measure
from benchmarks.medquad_data import medquad
from benchmarks.text_task import TEXT, Task
from training.ragged import IntArray, Ragged


@dataclass(frozen=True)
class RerankTask:
    """`exams` has 'train', 'dev' and 'test'. `fields`: columns that BM25 reads, by exam; towers and readers read TEXT.

    `max_tokens`: of a pair that a cross-encoder reads.
    """

    task: Task
    exams: Mapping[str, Exam]
    fields: Mapping[str, Sequence[str]]
    max_tokens: int


@dataclass(frozen=True)
class Sizes:
    """Queries and documents of each exam, at most."""

    train_queries: int
    train_documents: int
    dev_queries: int
    dev_documents: int
    test_queries: int
    test_documents: int


def debian_rerank(folder: Path, sizes: Sizes) -> RerankTask:
    """Synopsis -> description."""
    task = debian_synopsis(folder)
    exams = {
        "train": _training_exam(task, sizes),
        "dev": _smaller(_sampled(task.exams["dev"], sizes.dev_queries, [Found((10,))]), sizes.dev_documents),
        "test": _smaller(_sampled(task.exams["test"], sizes.test_queries, [Found((10,))]), sizes.test_documents),
    }
    return RerankTask(task, exams, dict.fromkeys(exams, (TEXT,)), 80)


def medquad_rerank(folder: Path, sizes: Sizes) -> RerankTask:
    """Question -> answer; the test has all judged questions.

    Words of the stored questions count in the test alone, for the others ask those very ones.
    """
    task = medquad(folder)
    test = task.exams["test"]
    graded: list[Measure] = [measure for measure in test.measures if isinstance(measure, Graded)]
    exams = {
        "train": _training_exam(task, sizes),
        "dev": _smaller(_sampled(task.exams["dev"], sizes.dev_queries, [Found((10,))]), sizes.dev_documents),
        "test": _smaller(Exam(test.query_rows_Q, test.item_rows_C, test.relevant, graded), sizes.test_documents),
    }
    fields = {"train": (TEXT,), "dev": (TEXT,), "test": ("question", "answer")}
    return RerankTask(task, exams, fields, 128)


def _training_exam(task: Task, sizes: Sizes) -> Exam:
    """Queries of the training part over documents of the training part, both drawn with seed 0."""
    rng = np.random.default_rng(0)
    pairs, rows = task.dataset.interactions, task.split.train_N
    corpus = np.unique(pairs.item_N[rows])
    corpus = np.sort(rng.choice(corpus, min(sizes.train_documents, len(corpus)), replace=False))
    kept = rows[np.isin(pairs.item_N[rows], corpus)]
    query_Q, row_V = np.unique(pairs.query_N[kept], return_inverse=True)
    relevant = Ragged.group_unique(row_V, np.searchsorted(corpus, pairs.item_N[kept]), len(query_Q))
    return _sampled(Exam(query_Q, corpus, relevant, []), sizes.train_queries, [Found((10,))])


def _sampled(exam: Exam, n_queries: int, measures: Sequence[Measure]) -> Exam:
    chosen = np.sort(np.random.default_rng(0).permutation(len(exam))[:n_queries])
    return part_of(Exam(exam.query_rows_Q, exam.item_rows_C, exam.relevant, measures), chosen)


def part_of(exam: Exam, query_Q: IntArray) -> Exam:
    """The queries at these places of an exam whose measures do not depend on the place."""
    return Exam(exam.query_rows_Q[query_Q], exam.item_rows_C, exam.relevant.take(query_Q), exam.measures)


def _smaller(exam: Exam, n_documents: int) -> Exam:
    """The same queries over their answers and other documents drawn with seed 0, `n_documents` in all."""
    answers = np.unique(exam.relevant.values_V)
    others = np.setdiff1d(np.arange(len(exam.item_rows_C)), answers)
    drawn = np.random.default_rng(0).choice(others, max(0, min(n_documents - len(answers), len(others))), replace=False)
    place_C: IntArray = np.sort(np.concatenate([answers, drawn])).astype(np.int64)
    relevant = Ragged(exam.relevant.offsets, np.searchsorted(place_C, exam.relevant.values_V).astype(np.int64))
    return Exam(exam.query_rows_Q, exam.item_rows_C[place_C], relevant, exam.measures)
