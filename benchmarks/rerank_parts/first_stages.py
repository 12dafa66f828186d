"""What a reranker gets: documents that words, frozen MiniLM or both rank first, through the product's index.

Q queries, R ranked documents, D embedding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.index_parts.hybrid import ExamIndex, judged
from benchmarks.rerank_parts.text_tasks import RerankTask
from benchmarks.text_task import TEXT
from benchmarks.text_vectors import minilm_vectors
from index.fusion import Fusion
from index.fusion_weight import best_weight
from index.ranking import PADDING, Ranker
from training.ragged import FloatArray, IntArray


@dataclass(frozen=True)
class Found:
    """Places in the exam's corpus, best first, -1 behind the last, and their scores [Q, R]."""

    place_QR: IntArray
    score_QR: FloatArray


def open_exam(task: RerankTask, exam: str, cache: Path, folder: Path) -> ExamIndex:
    """An exam's documents as an index version below `folder`; vectors of MiniLM are kept in `cache`."""
    asked = task.exams[exam]
    documents = minilm_vectors(task.task.document_texts(asked, (TEXT,)), cache)
    queries = minilm_vectors(task.task.query_texts(asked.query_rows_Q), cache)
    return ExamIndex(folder / exam, task.task, asked, (queries, documents), task.fields[exam])


def learned_weight(index: ExamIndex, task: RerankTask) -> float:
    """The weight of the embeddings in the fusion 'weighted' that is best on the dev exam."""
    return best_weight(judged(index, task.exams["dev"], 0))[0]


def first_stages(index: ExamIndex, fusion: Fusion, depth: int) -> Mapping[str, Found]:
    """What each first stage finds, `depth` deep."""
    rankers: dict[str, Ranker] = {"bm25": index.lexical, "dense": index.dense, "hybrid": index.hybrid(fusion)}
    return {name: ranked(ranker, index, depth) for name, ranker in rankers.items()}


def ranked(ranker: Ranker, index: ExamIndex, depth: int) -> Found:
    """What one ranker finds for every query of the exam."""
    n_queries = len(index.queries)
    place_QR = np.full((n_queries, depth), PADDING, dtype=np.int64)
    score_QR = np.full((n_queries, depth), -np.inf, dtype=np.float32)
    for query in range(n_queries):
        found = ranker.rank(index.queries.at([query]), depth)
        width = found.rows_BR.shape[1]
        place_QR[query, :width], score_QR[query, :width] = found.rows_BR[0], found.scores_BR[0]
    return Found(place_QR, score_QR)
