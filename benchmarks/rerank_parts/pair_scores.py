"""Scores of pairs by a cross-encoder, kept on disk, and what one costs by the exported graph.

Q queries, R documents of each, N pairs.
"""

import hashlib
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.exam import Exam
from benchmarks.rerank_parts.text_tasks import RerankTask
from benchmarks.text_task import TEXT
from bundle.rerankers.contract import Reranker
from bundle.rerankers.cross_encoder import FILE, CrossEncoderSpec
from bundle.session import SessionConfig
from training.pretrained import DEFAULT_MODEL, PretrainedModels
from training.ragged import FloatArray, IntArray
from training.rankers.cross_encoder import CrossEncoderRanker, export_cross_encoder

_TIMED_QUERIES, _QUERIES_A_SAVING = 10, 25


def served(task: RerankTask, ranker: CrossEncoderRanker, folder: Path) -> Reranker:
    """The graph of the trained cross-encoder, written into `folder`, opened as the service opens it."""
    if not (folder / FILE).exists():
        folder.mkdir(exist_ok=True)
        some = np.arange(8, dtype=np.int64)
        pairs = ranker.texts(task.exams["train"].query_rows_Q[some], task.exams["train"].item_rows_C[some])
        export_cross_encoder(ranker.model, ranker.tokens(pairs), folder / FILE)
    spec = CrossEncoderSpec(
        tokenizer=DEFAULT_MODEL, query_columns=(TEXT,), item_columns=(TEXT,), max_tokens=task.max_tokens
    )
    return spec.open(folder, PretrainedModels().folder(DEFAULT_MODEL).tokenizer, SessionConfig())


def cpu_ms_per_pair(task: RerankTask, exam: Exam, reranker: Reranker, place_QR: IntArray) -> float:
    """CPU time of a pair on one thread by the exported graph, over the first ten queries."""
    queries, documents = _texts(task, exam)
    asked = [
        (queries[query], [{TEXT: documents[place]} for place in place_QR[query]]) for query in range(_TIMED_QUERIES)
    ]
    started = time.process_time()
    for text, items in asked:
        reranker.score({TEXT: text}, items)
    return (time.process_time() - started) / sum(len(items) for _, items in asked) * 1e3


class PairScores:
    """Scores of an exam's pairs, each computed once, in bfloat16 as in training: half the time of float32."""

    def __init__(self, task: RerankTask, exam: Exam, ranker: CrossEncoderRanker, path: Path) -> None:
        """`path`: the weights; scores are kept beside them, by what the exam asks."""
        self._ranker = ranker
        self._queries, self._documents = _texts(task, exam)
        digest = hashlib.sha256("\0".join([*self._queries, *self._documents]).encode()).hexdigest()[:12]
        self._path = path.with_suffix(f".{digest}.npz")
        self._known: dict[tuple[int, int], float] = {}
        if self._path.exists():
            kept = np.load(self._path)
            pairs_N = zip(kept["query_N"].tolist(), kept["place_N"].tolist(), strict=True)
            self._known = dict(zip(pairs_N, kept["score_N"].tolist(), strict=True))

    def of(self, place_QR: IntArray) -> FloatArray:
        """Scores [Q, R] of these places of the corpus for each query of the exam; -inf where the place is -1."""
        score_QR = np.full(place_QR.shape, -np.inf, dtype=np.float32)
        for query, place_R in enumerate(place_QR):
            found = place_R[place_R >= 0].tolist()
            self._score(query, [place for place in found if (query, place) not in self._known])
            score_QR[query, : len(found)] = [self._known[query, place] for place in found]
            if query % _QUERIES_A_SAVING == 0:
                self._keep()
        self._keep()
        return score_QR

    def _score(self, query: int, places: list[int]) -> None:
        if places:
            pairs = [(self._queries[query], self._documents[place]) for place in places]
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                scores = self._ranker.scores(pairs).float().tolist()
            self._known.update({(query, place): score for place, score in zip(places, scores, strict=True)})

    def _keep(self) -> None:
        pairs_N2 = np.array(list(self._known), dtype=np.int64).reshape(-1, 2)
        score_N = np.array(list(self._known.values()), dtype=np.float32)
        np.savez(self._path, query_N=pairs_N2[:, 0], place_N=pairs_N2[:, 1], score_N=score_N)


def _texts(task: RerankTask, exam: Exam) -> tuple[list[str], list[str]]:
    return task.task.query_texts(exam.query_rows_Q), task.task.document_texts(exam, (TEXT,))
