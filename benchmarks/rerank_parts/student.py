"""A reranker of two layers that was taught by the whole one: what it keeps of the gain, and of the cost."""

import tempfile
from pathlib import Path

import torch

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.rerank_parts.fine_tuning import taught
from benchmarks.rerank_parts.first_stages import learned_weight, open_exam, ranked
from benchmarks.rerank_parts.pair_scores import PairScores, served
from benchmarks.rerank_parts.text import DEPTH, debian_plan, gain_rows, mark_rows, marks, reordered, task_name
from index.fusion import Fusion
from training.rerankers.student import agreement

PROTOCOL = """
The reranker of the part debian is the teacher of a student that keeps its first and its last layer of six, and learns
its margins over the same lists for as many steps. `agreement`: share of the pairs of mined items, over 50 training
queries, that student and teacher order alike. `cpu_ratio`: CPU time of a pair beside the teacher's, in one run.
"""
METHOD = "hybrid+student"
_QUERIES_COMPARED = 50


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
    one, other = (
        PairScores(task, exam, served(task, ranker, at.with_suffix(".onnx")), at)
        for ranker, at in ((student, path), (teacher, plan.path))
    )
    alone_Q, after_Q = marks(exam, found.place_QR), marks(exam, reordered(found, one.of(found.place_QR), 1.0))
    cost = one.cpu_ms_per_pair(found.place_QR)
    more = {"agreement": agreed, "cpu_ms_per_pair": cost, "cpu_ratio": cost / other.cpu_ms_per_pair(found.place_QR)}
    name = task_name(task)
    rows = [*mark_rows(name, METHOD, after_Q), *gain_rows(name, METHOD, after_Q - alone_Q)]
    return rows + [Row(name, METHOD, metric, value) for metric, value in more.items()]


STUDENT = Part(PROTOCOL, measure)
