"""Words, embeddings and both joined, through the index of the product, on two text tasks.

Q queries, C documents, R ranked rows, D embedding.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch

from benchmarks.comparison import merged
from benchmarks.debian_data import debian_synopsis
from benchmarks.exam import Exam, corpus_of, tower_embeddings
from benchmarks.lexical import bm25
from benchmarks.medquad_data import medquad
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.text_task import TEXT, Task
from bundle.config import validate_config
from bundle.features import FeatureSpec, TextFeature
from bundle.items import Items
from bundle.progress import NoProgress
from index.arrow_file import open_arrow, write_arrow
from index.corpus import Corpus
from index.fusion import Candidates, Fusion
from index.fusion_weight import best_weight
from index.hybrid import HybridRanker
from index.ids import ItemIds, id_table
from index.kinds.flat import FlatKind
from index.lexical.bm25 import open_bm25
from index.lexical.build import LexicalConfig, write_lexical
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.manifest import IDS_FILE, INDEX_FILE, LEXICAL_FOLDER, VECTORS_FILE
from index.ranking import DenseRanker, Queries, Ranker
from index.role import open_role
from training.config import TrainConfig
from training.evaluate import Score
from training.learn import Learner
from training.ragged import FloatArray, IntArray

PROTOCOL = """
The tasks of the objectives benchmark with their bag towers, three trainings each; all documents of the test exam in one
index of the product (kind flat, BM25 with English stop words, k1 1.5, b 0.75), ranked 100 deep. Debian: the words are
those of the description. MedQuAD: those of question and answer; gain 2^grade - 1 of LiveQA's judgements, 60 queries, so
that differences under .03 say nothing. `hybrid-weighted` uses the weight of the embeddings (`dense_weight`) learned on
1,000 queries of the dev exam, over an index of the dev exam's documents, of MedQuAD without the questions, because dev
asks those very questions. `bm25s` is the package bm25s with its own tokenizer beside, over all documents.
`cpu_us_per_query`: CPU time of ranking 100 deep on one thread, query embedding not counted.
"""
DEPTH = 100
LEARNED_ON = 1_000
KEPT = ("recall@10", "mrr@10", "graded_ndcg@10")
FEATURES = FeatureSpec(query=(TextFeature(name=TEXT),), item=(TextFeature(name=TEXT),))


@dataclass(frozen=True)
class Corpora:
    """A task, the columns that are searched by their words, and those where the weight is learned."""

    task: Task
    fields: tuple[str, ...]
    dev_fields: tuple[str, ...]


def measure(budget: Budget) -> list[Row]:
    """Recall@10 and MRR@10, and of MedQuAD nDCG@10 by grades, of words, embeddings and both."""
    torch.set_num_threads(1)
    corpora = [Corpora(debian_synopsis(budget.data), (TEXT,), (TEXT,))]
    if not budget.quick:
        corpora.append(Corpora(medquad(budget.data), ("question", "answer"), (TEXT,)))
    return [row for one in corpora for row in _rows(one, budget.seeds)]


def _rows(corpora: Corpora, seeds: int) -> list[Row]:
    task, measured = corpora.task, dict[str, list[dict[str, float]]]()
    exam = task.exams["test"]
    theirs = bm25(task.document_texts(exam), task.query_texts(exam.query_rows_Q))
    measured["bm25s"] = [_marks(theirs, exam)]
    for seed in range(seeds):
        for method, values in _one_seed(corpora, seed).items():
            if method != "lexical" or seed == 0:  # the words do not know the seed
                measured.setdefault(method, []).append(values)
    return [row for method, runs in measured.items() for row in rows_of(f"hybrid-{task.name}", method, runs)]


def _one_seed(corpora: Corpora, seed: int) -> dict[str, dict[str, float]]:
    task = corpora.task
    config = validate_config(TrainConfig, merged(task.base, {"trainer": {"seed": seed}}), task.name)
    learned = Learner(config, task.dataset, task.split, NoProgress()).learn()
    vectors = {name: tower_embeddings(learned, task.dataset, exam) for name, exam in task.exams.items()}
    with tempfile.TemporaryDirectory() as folder:
        dev = ExamIndex(Path(folder) / "dev", task, task.exams["dev"], vectors["dev"], corpora.dev_fields)
        weight = best_weight(judged(dev, task.exams["dev"], seed))[0]
        test = ExamIndex(Path(folder) / "test", task, task.exams["test"], vectors["test"], corpora.fields)
        fusions = {"z-score": Fusion("z_score"), "reciprocal-rank": Fusion("reciprocal_rank")}
        fusions["weighted"] = Fusion("weighted", weight)
        rankers: dict[str, Ranker] = {"lexical": test.lexical, "dense": test.dense}
        rankers |= {f"hybrid-{name}": test.hybrid(fusion) for name, fusion in fusions.items()}
        results = {name: _ranked(ranker, test.queries, task.exams["test"]) for name, ranker in rankers.items()}
    results["hybrid-weighted"]["dense_weight"] = weight
    return results


class ExamIndex:
    """The documents of an exam as the files of an index version, opened, and the queries of the exam."""

    def __init__(
        self, folder: Path, task: Task, exam: Exam, vectors: tuple[FloatArray, FloatArray], fields: Sequence[str]
    ) -> None:
        query_QD, document_CD = vectors
        folder.mkdir()
        table = corpus_of(task.dataset, exam).table
        kind = FlatKind()
        faiss.write_index(kind.build(Corpus(document_CD), 0), str(folder / INDEX_FILE))
        np.save(folder / VECTORS_FILE, document_CD)
        write_arrow(folder / IDS_FILE, id_table(table["item_id"]))
        config = LexicalConfig(fields=tuple(fields))
        write_lexical(folder / LEXICAL_FOLDER, Items(table, task.name), config, FEATURES, NoProgress())
        ids = ItemIds(open_arrow(folder / IDS_FILE, mmap=True))
        self._role = open_role(folder, kind, ids, "cosine", "cpu", mmap=True)
        text = QueryText([TEXT], [TEXT])
        self.lexical = LexicalRanker(open_bm25(folder / LEXICAL_FOLDER, len(ids), mmap=True), text)
        self.dense = DenseRanker(self._role)
        self.queries = Queries(query_QD, [{TEXT: text} for text in task.query_texts(exam.query_rows_Q)])

    def hybrid(self, fusion: Fusion) -> HybridRanker:
        """Both sides joined."""
        return HybridRanker(self.dense, self.lexical, self._role, fusion)


def judged(index: ExamIndex, exam: Exam, seed: int) -> Iterator[tuple[Candidates, Mapping[int, float]]]:
    """The candidates of some queries with the gains of their answers, as the build of an index learns from."""
    chosen = np.random.default_rng(seed).permutation(len(exam))[:LEARNED_ON].tolist()
    candidates = index.hybrid(Fusion()).candidates(index.queries.at(chosen))
    for place, found in zip(chosen, candidates, strict=True):
        relevant = exam.relevant.values_V[exam.relevant.offsets[place] : exam.relevant.offsets[place + 1]]
        yield found, dict.fromkeys(relevant.tolist(), 1.0)


def _ranked(ranker: Ranker, queries: Queries, exam: Exam) -> dict[str, float]:
    started = time.process_time()
    rows_QR = np.concatenate([_one(ranker, queries, place) for place in range(len(queries))])
    cpu_us = (time.process_time() - started) / len(queries) * 1e6
    return _marks(ranked_score(rows_QR, len(exam.item_rows_C)), exam) | {"cpu_us_per_query": cpu_us}


def _one(ranker: Ranker, queries: Queries, place: int) -> IntArray:
    found = ranker.rank(queries.at([place]), DEPTH).rows_BR
    return np.pad(found, ((0, 0), (0, DEPTH - found.shape[1])), constant_values=-1)


def ranked_score(rows_QR: IntArray, n_documents: int) -> Score:
    """A score that orders the documents of each query as its row does; those that are not ranked tie below."""

    def score(places: IntArray) -> FloatArray:
        scores_BC = np.zeros((len(places), n_documents), dtype=np.float32)
        for scores_C, row_R in zip(scores_BC, rows_QR[places], strict=True):
            row_R = row_R[row_R >= 0]
            scores_C[row_R] = np.arange(len(row_R), 0, -1)
        return scores_BC

    return score


def _marks(score: Score, exam: Exam) -> dict[str, float]:
    marks: dict[str, Any] = exam.sit(score).marks()
    return {name: marks[name] for name in KEPT if name in marks}


HYBRID = Part(PROTOCOL, measure)
