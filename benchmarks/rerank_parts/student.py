"""A reranker of two layers that was taught by the whole one: what it keeps of the gain, and of the cost."""

import tempfile
from pathlib import Path

import torch

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.rerank_parts.fine_tuning import taught
from benchmarks.rerank_parts.first_stages import learned_weight, open_exam, ranked
from benchmarks.rerank_parts.pair_scores import PairScores, cpu_ms_per_pair, served
from benchmarks.rerank_parts.text import DEPTH, debian_plan, gain_rows, mark_rows, marks, reordered, task_name
from index.fusion import Fusion
from training.rerankers.student import agreement

PROTOCOL = """
The reranker of the part debian is the teacher of a student that keeps its first and its last layer of six, and learns
its margins over the same lists for as many steps. `agreement`: share of the pairs of mined items, over 20 training
queries, that student and teacher order alike. `cpu_ratio`: CPU time of a pair beside the teacher's, in one run.
"""
METHOD = "hybrid+student"
_QUERIES_COMPARED = 20


def measure(budget: Budget) -> list[Row]:
    """nDCG@10 of the hybrid reranked by the student, its agreement with the teacher, and what it costs."""
    torch.set_num_threads(1)
    plan = debian_plan(budget)
    task, path = plan.task, plan.path.with_stem(f"{plan.path.stem}-student")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        teacher, pairs = plan.teacher(folder), plan.mined(folder)
        student = taught(task, teacher, lambda: pairs, plan.tuning, path)
        agreed = agreement(student, teacher, pairs, _QUERIES_COMPARED)
        dev = open_exam(task, "dev", plan.cache, folder)
        test = open_exam(task, "test", plan.cache, folder)
        found = ranked(test.hybrid(Fusion("weighted", learned_weight(dev, task))), test, DEPTH)
    exam = task.exams["test"]
    scores = PairScores(task, exam, student, path)
    alone_Q, after_Q = marks(exam, found.place_QR), marks(exam, reordered(found, scores.of(found.place_QR), 1.0))
    cost, whole = (
        cpu_ms_per_pair(task, exam, served(task, ranker, at.with_suffix(".graph")), found.place_QR)
        for ranker, at in ((student, path), (teacher, plan.path))
    )
    more = {"agreement": agreed, "cpu_ms_per_pair": cost, "cpu_ratio": cost / whole}
    name = task_name(task)
    rows = [*mark_rows(name, METHOD, after_Q), *gain_rows(name, METHOD, after_Q - alone_Q)]
    return rows + [Row(name, METHOD, metric, value) for metric, value in more.items()]


STUDENT = Part(PROTOCOL, measure)
