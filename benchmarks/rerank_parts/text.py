"""First stages on two text tasks, and each reranked by a cross-encoder made of MiniLM.

Q queries, R ranked documents.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.exam import Exam
from benchmarks.index_parts.hybrid import ranked_score
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.rerank_parts.fine_tuning import FineTuning, fine_tuned, mined_negatives, weights_path
from benchmarks.rerank_parts.first_stages import Found, first_stages, learned_weight, open_exam, ranked
from benchmarks.rerank_parts.pair_scores import PairScores, cpu_ms_per_pair, served
from benchmarks.rerank_parts.paired import MarkArray, gain_measures, marks_by_query, measures
from benchmarks.rerank_parts.text_tasks import RerankTask, Sizes, debian_rerank, medquad_rerank, part_of
from index.fusion import Fusion
from training.mining.miner import Mined
from training.ragged import FloatArray, IntArray
from training.rankers.cross_encoder import CrossEncoderRanker

DEBIAN_PROTOCOL = """
Synopsis to description as in the hybrid benchmark: 200 of its test queries over their answers and other documents of
its corpus, 4,000 in all. First stages: the product's BM25, MiniLM as it is (96 tokens), and both joined ('weighted',
weight learned on 250 queries of dev). The reranker reads the first 50 of a first stage. It is MiniLM with the head
'tokens', fine-tuned for 100 steps of 8 queries of the training part, each with 5 of the first 50 that the hybrid finds
among 10,708 documents of the training part; pairs are cut to 80 tokens and scored in bfloat16. `blended`: z-scores of
reranker and first stage over the 50, summed with a weight chosen on 60 queries of dev. Nothing is chosen on the test.
Intervals: 95 %, by bootstrap over queries. `gain` is over the same first stage alone, with the two-sided p of a paired
randomisation test. One training, so no interval tells its chance. `cpu_ms_per_pair`: the exported graph, one thread.
"""
MEDQUAD_PROTOCOL = """
The same with questions and answers: the 60 judged LiveQA questions over their answers and others, 4,000 in all, which
is easier than over all 16,407; gain 2^grade - 1. BM25 reads question and answer, all others focus and answer; the
weight of the embeddings is learned on 100 questions of dev, whose own words BM25 does not read. 50 steps of training;
pairs are cut to 128 tokens. With 60 queries a difference under .03 says nothing. Questions
of dev are short and made from titles, those of LiveQA long and asked by people: what is chosen there may fail here.
"""
DEPTH, TUNED_ON = 50, 60
WEIGHTS = tuple(step / 20 for step in range(21))
STAGES = ("hybrid", "bm25", "dense")


@dataclass(frozen=True)
class Plan:
    """A task, how long its reranker is trained, and where what was computed is kept."""

    task: RerankTask
    tuning: FineTuning
    cache: Path

    @property
    def path(self) -> Path:
        """The weights of the reranker."""
        return weights_path(self.task, self.tuning, self.cache)

    def teacher(self, folder: Path) -> CrossEncoderRanker:
        """The fine-tuned cross-encoder."""
        return fine_tuned(self.task, lambda: self.mined(folder), self.tuning, self.path)

    def mined(self, folder: Path) -> Mined:
        """What the hybrid finds for the training queries, but their answers."""
        index = open_exam(self.task, "train", self.cache, folder)
        return mined_negatives(self.task, ranked(index.hybrid(Fusion()), index, DEPTH))


def debian_plan(budget: Budget) -> Plan:
    """What fits two slow cores, or next to nothing for a quick run."""
    if budget.quick:
        return Plan(debian_rerank(budget.data, Sizes(100, 500, 20, 500, 20, 500)), FineTuning(1), budget.cache)
    task = debian_rerank(budget.data, Sizes(8_000, 10_708, 250, 1_000, 200, 4_000))
    return Plan(task, FineTuning(4), budget.cache)


def measure_debian(budget: Budget) -> list[Row]:
    """nDCG@10 of each first stage, of each reranked, and of the hybrid blended with its reranker."""
    return _rows(debian_plan(budget))


def measure_medquad(budget: Budget) -> list[Row]:
    """The same by grades; too many documents for a quick run."""
    if budget.quick:
        return []
    task = medquad_rerank(budget.data, Sizes(2_000, 4_000, 100, 1_000, 60, 4_000))
    return _rows(Plan(task, FineTuning(2), budget.cache))


def _rows(plan: Plan) -> list[Row]:
    torch.set_num_threads(1)
    task, path, cache = plan.task, plan.path, plan.cache
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reader = plan.teacher(folder)
        dev = open_exam(task, "dev", cache, folder)
        fusion = Fusion("weighted", learned_weight(dev, task))
        found = ranked(dev.hybrid(fusion), dev, DEPTH)
        weight = _tuned_weight(task, found, PairScores(task, task.exams["dev"], reader, path))
        stages = first_stages(open_exam(task, "test", cache, folder), fusion, DEPTH)
    exam = task.exams["test"]
    rows = _test_rows(task, stages, PairScores(task, exam, reader, path), weight)
    graph = served(task, reader, path.with_suffix(".graph"))
    cost = cpu_ms_per_pair(task, exam, graph, stages["hybrid"].place_QR)
    return [
        *rows,
        Row(task_name(task), "hybrid+cross-encoder", "cpu_ms_per_pair", cost),
        Row(task_name(task), "hybrid", "dense_weight", fusion.dense_weight),
        Row(task_name(task), "hybrid+cross-encoder-blended", "reranker_weight", weight),
    ]


def task_name(task: RerankTask) -> str:
    """The heading of a task's table."""
    return f"rerank-{task.task.name}"


def _tuned_weight(task: RerankTask, found: Found, scores: PairScores) -> float:
    """Chosen on some of the dev queries, since every one costs fifty readings."""
    query_Q = np.arange(min(TUNED_ON, len(found.place_QR)), dtype=np.int64)
    some = Found(found.place_QR[query_Q], found.score_QR[query_Q])
    return chosen_weight(part_of(task.exams["dev"], query_Q), some, scores.of(some.place_QR))


def _test_rows(task: RerankTask, stages: Mapping[str, Found], scores: PairScores, weight: float) -> list[Row]:
    exam, name = task.exams["test"], task_name(task)
    rows = []
    for stage in STAGES:
        found = stages[stage]
        read_QR = scores.of(found.place_QR)
        alone_Q = marks(exam, found.place_QR)
        after = {f"{stage}+cross-encoder": reordered(found, read_QR, 1.0)}
        if stage == "hybrid":
            after[f"{stage}+cross-encoder-blended"] = reordered(found, read_QR, weight)
        rows += mark_rows(name, stage, alone_Q)
        for method, place_QR in after.items():
            mark_Q = marks(exam, place_QR)
            rows += [*mark_rows(name, method, mark_Q), *gain_rows(name, method, mark_Q - alone_Q)]
    return rows


def mark_rows(task: str, method: str, mark_Q: MarkArray) -> list[Row]:
    """A mean and its interval."""
    return [Row(task, method, metric, value) for metric, value in measures(mark_Q, "ndcg@10").items()]


def gain_rows(task: str, method: str, gain_Q: MarkArray) -> list[Row]:
    """A mean gain, its interval and its p."""
    return [Row(task, method, metric, value) for metric, value in gain_measures(gain_Q).items()]


def marks(exam: Exam, place_QR: IntArray) -> MarkArray:
    """nDCG@10 of each query, by grades where there are grades."""
    sheet = exam.sit(ranked_score(place_QR, len(exam.item_rows_C)))
    name = next(name for name in sheet.marks() if name in ("graded_ndcg@10", "ndcg@10"))
    return marks_by_query(sheet, name)


def chosen_weight(exam: Exam, found: Found, read_QR: FloatArray) -> float:
    """The weight of the reranker in the blend that has the best nDCG@10, the smallest of equals."""
    means = [marks(exam, reordered(found, read_QR, weight)).mean().round(6) for weight in WEIGHTS]
    return WEIGHTS[int(np.argmax(means))]


def reordered(found: Found, read_QR: FloatArray, weight: float) -> IntArray:
    """The found places by `weight` times the reranker's z-score and the rest times the first stage's, best first.

    Equal scores keep the order of the first stage.
    """
    place_QR = found.place_QR.copy()
    for query, (place_R, first_R, second_R) in enumerate(zip(found.place_QR, found.score_QR, read_QR, strict=True)):
        n = int((place_R >= 0).sum())
        joined_R = weight * _standardised(second_R[:n]) + (1 - weight) * _standardised(first_R[:n])
        place_QR[query, :n] = place_R[:n][np.argsort(-joined_R, kind="stable")]
    return place_QR


def _standardised(score_R: FloatArray) -> FloatArray:
    deviation = score_R.std() if len(score_R) else np.float32(0)
    standard_R: FloatArray = (score_R - score_R.mean()) / deviation if deviation > 0 else np.zeros_like(score_R)
    return standard_R


DEBIAN = Part(DEBIAN_PROTOCOL, measure_debian)
MEDQUAD = Part(MEDQUAD_PROTOCOL, measure_medquad)
