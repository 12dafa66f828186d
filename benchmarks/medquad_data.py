"""MedQuAD: consumer health questions -> answers, with the graded judgments of the LiveQA track.

Letters: N pairs of a question and its answer, Q queries, V judgments.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from benchmarks.exam import Exam, Found, Graded, Measure
from benchmarks.text_task import TEXT, Pairs, Task, needed, text_dataset
from training.ragged import BoolArray, FloatArray, IntArray, Ragged

FOLDER = "medquad"
PREAMBLE = """
16,407 answers of nine health sites. Training: the questions of MedQuAD to their answers, each distinct question one
query, split by focus (disease or topic), so that no focus stands in two parts. A tower reads the focus and the answer,
never the question that it was trained on; BM25 reads question and answer, and once what the towers read. Test: the 60
LiveQA questions with an answer judged 1 (related) or more of 3, over all 16,407 answers; gain 2^grade - 1. The
judgments are few and pooled (an answer that nobody judged counts as wrong), so 95 % bootstrap intervals over queries
stand beside every number. `dev`: the held-out questions of MedQuAD's dev focuses, whose relevance is derived: the
answers given to that very question.
"""
BASE: dict[str, Any] = {
    "collection": "medquad",
    "data": {"items": "made in memory", "interactions": "made in memory"},
    "split": {"kind": "column"},
    "features": {
        "query": [{"kind": "text", "name": TEXT}],
        "item": [{"kind": "text", "name": TEXT, "max_words": 192}],
    },
    "dimension": 128,
    "share_text": True,
    "objective": {"kind": "softmax", "temperature": 0.05},
    "negatives": {"kind": "in_batch"},
    "trainer": {"epochs": 6, "batch_size": 256, "learning_rate": 3e-3, "schedule": "linear"},
}
KS = (1, 10, 100)


def medquad(folder: Path) -> Task:
    """Question -> answer; items have `text` (focus and answer), `question` and `answer`.

    Raises BadData when a file is not there.
    """
    folder = folder / FOLDER
    answers = pyarrow.parquet.read_table(needed(folder / "corpus.parquet")).to_pydict()
    asked = _read_queries(needed(folder / "liveqa-queries.jsonl"))
    grades = _read_grades(needed(folder / "liveqa-qrels.tsv"), asked, answers["doc_id"])
    questions = list(dict.fromkeys(answers["question"]))
    number = {text: row for row, text in enumerate(questions)}
    item_N = np.arange(len(answers["doc_id"]), dtype=np.int64)
    pairs = Pairs(np.array([number[text] for text in answers["question"]], dtype=np.int64), item_N)
    texts = [f"{focus or ''}\n{answer}" for focus, answer in zip(answers["focus"], answers["answer"], strict=True)]
    items = {"item_id": answers["doc_id"], TEXT: texts, "question": answers["question"], "answer": answers["answer"]}
    query_ids = [*(f"medquad-{row}" for row in range(len(questions))), *(f"liveqa-{query_id}" for query_id in asked)]
    dataset = text_dataset(items, {"query_id": query_ids, TEXT: [*questions, *asked.values()]}, pairs)
    part_N = np.array(answers["split"])
    exams = {"dev": _derived(pairs, part_N == "dev"), "test": _judged(grades, len(questions), len(item_N))}
    split = pairs.split(part_N == "train")
    return Task("medquad", dataset, split, BASE, PREAMBLE, KS, exams, ("question", "answer"))


def _derived(pairs: Pairs, keep_N: BoolArray) -> Exam:
    """Every kept question over all answers; relevant are those that were given to it."""
    query_Q, row_V = np.unique(pairs.query_N[keep_N], return_inverse=True)
    relevant = Ragged.group_unique(row_V, pairs.item_N[keep_N], len(query_Q))
    return Exam(query_Q, np.arange(len(pairs.item_N), dtype=np.int64), relevant, [Found(KS)])


@dataclass(frozen=True)
class _Grades:
    """Judgments: place of the query in its file, item row, grade 0 to 3."""

    query_V: IntArray
    item_V: IntArray
    grade_V: FloatArray


def _judged(grades: _Grades, first_query: int, n_items: int) -> Exam:
    """The judged queries that have an answer graded 1 or more, over all answers."""
    order_V = np.lexsort((grades.item_V, grades.query_V))
    order_V = order_V[grades.grade_V[order_V] >= 1]
    query_Q, row_V = np.unique(grades.query_V[order_V], return_inverse=True)
    relevant = Ragged.group(row_V, grades.item_V[order_V], len(query_Q))
    measures: list[Measure] = [Graded(grades.grade_V[order_V], (10,)), Found(KS)]
    return Exam(query_Q + first_query, np.arange(n_items, dtype=np.int64), relevant, measures)


def _read_queries(path: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["_id"]: line["text"] for line in lines}


def _read_grades(path: Path, asked: Iterable[str], doc_ids: Sequence[str]) -> _Grades:
    query, item = ({name: row for row, name in enumerate(names)} for names in (asked, doc_ids))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return _Grades(
        np.array([query[row["query-id"]] for row in rows], dtype=np.int64),
        np.array([item[row["corpus-id"]] for row in rows], dtype=np.int64),
        np.array([float(row["score"]) for row in rows], dtype=np.float32),
    )
