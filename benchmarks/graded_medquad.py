"""MedQuAD's judged answers as short graded lists.

Letters: Q queries, C candidates of each, N answers, F features.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet

from benchmarks.debian_data import word_overlap
from benchmarks.graded_lists import GradedTask, padded
from benchmarks.lexical import bm25
from benchmarks.medquad_data import FOLDER
from benchmarks.text_task import needed
from benchmarks.text_vectors import minilm_vectors
from training.click_models.simulate import GradedLists
from training.ragged import FloatArray, IntArray

MAX_GRADE = 3.0
_LEAST = 10
_FIELDS = ("question", "answer", "focus")


def medquad_lists(folder: Path, cache: Path) -> GradedTask:
    """The 60 queries with an answer graded 1 or more: all their judged answers, filled up to ten.

    What fills up are the answers that BM25 finds best, with grade 0 as nobody judged them. Features: BM25 over each
    field and over question and answer, overlap of words, lengths, and the cosines of frozen MiniLM.
    """
    folder = folder / FOLDER
    answers = pyarrow.parquet.read_table(needed(folder / "corpus.parquet")).to_pydict()
    texts = {name: [value or "" for value in answers[name]] for name in _FIELDS}
    texts["both"] = ["\n".join(pair) for pair in zip(texts["question"], texts["answer"], strict=True)]
    graded = _judged(folder, {name: row for row, name in enumerate(answers["doc_id"])})
    graded = {query: grades for query, grades in graded.items() if max(grades.values()) >= 1}
    asked, queries = _queries(folder), list(graded)
    questions = [asked[query] for query in queries]
    rows_Q = np.arange(len(queries), dtype=np.int64)
    found = {name: bm25(values, questions)(rows_Q) for name, values in texts.items()}
    candidates = [_filled(graded[query], found["both"][row]) for row, query in enumerate(queries)]
    cosine = {name: _cosines(questions, texts[name], candidates, cache) for name in ("question", "answer")}
    features = [
        np.column_stack(
            [
                *(scores_QN[row, items] for scores_QN in found.values()),
                *(values[row] for values in cosine.values()),
                *_words(questions[row], texts, items),
            ]
        ).astype(np.float32)
        for row, items in enumerate(candidates)
    ]
    grades = [
        np.array([graded[query].get(item, 0) for item in items.tolist()], dtype=np.float32)
        for query, items in zip(queries, candidates, strict=True)
    ]
    feature_QCF, mask_QC = padded(features)
    logged_QC = padded([found["both"][row, items] for row, items in enumerate(candidates)])[0]
    return GradedTask("medquad", GradedLists(padded(grades)[0], logged_QC, mask_QC, MAX_GRADE), feature_QCF)


def _queries(folder: Path) -> dict[str, str]:
    lines = needed(folder / "liveqa-queries.jsonl").read_text(encoding="utf-8").splitlines()
    return {query["_id"]: query["text"] for query in map(json.loads, lines)}


def _judged(folder: Path, row_of: Mapping[str, int]) -> dict[str, dict[int, int]]:
    """Grades by query and row of the answer."""
    graded: dict[str, dict[int, int]] = defaultdict(dict)
    with needed(folder / "liveqa-qrels.tsv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            graded[line["query-id"]][row_of[line["corpus-id"]]] = int(line["score"])
    return graded


def _filled(grades: Mapping[int, int], score_N: FloatArray) -> IntArray:
    """The judged answers, and BM25's best of the others up to ten."""
    others = [row for row in np.argsort(-score_N, kind="stable")[:100].tolist() if row not in grades]
    return np.array([*grades, *others[: max(0, _LEAST - len(grades))]], dtype=np.int64)


def _cosines(
    questions: Sequence[str], documents: Sequence[str], candidates: Sequence[IntArray], cache: Path
) -> list[FloatArray]:
    """The cosines of each question's MiniLM vector with those of its candidates."""
    rows, place = np.unique(np.concatenate(candidates), return_inverse=True)
    vector_ND = minilm_vectors([documents[row] for row in rows], cache)
    query_QD = minilm_vectors(questions, cache)
    parts = np.split(place, np.cumsum([len(items) for items in candidates])[:-1])
    return [vector_ND[part] @ query_QD[row] for row, part in enumerate(parts)]


def _words(question: str, texts: Mapping[str, Sequence[str]], items: IntArray) -> list[FloatArray]:
    """Overlap of words with each field, and logarithms of lengths."""
    overlap = [np.array([word_overlap(question, texts[name][row]) for row in items]) for name in _FIELDS]
    length = np.array([np.log1p(len(texts["answer"][row])) for row in items])
    return [*overlap, length, np.full(len(items), np.log1p(len(question)))]
