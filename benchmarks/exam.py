"""Exams: queries asked of a corpus, what each should find, and the measures that mark the answers.

The corpus may be a part of the dataset's items: items that only train are no candidates.

Letters: C documents of the corpus, Q queries, V relevant pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import torch

from bundle.columns import EncodedRecords
from bundle.items import Items
from training.dataset import Dataset
from training.evaluate import Score, rank
from training.evaluation_set import EvaluationSet
from training.learn import Learned
from training.metrics import RankArray, graded_ndcg, precision, ranking_metrics
from training.model import embed
from training.propensity import psp
from training.ragged import FloatArray, IntArray, Ragged
from training.records import encode_items, encode_queries
from training.score import dot_score


@dataclass(frozen=True)
class Answers:
    """Ranks of the relevant pairs of some queries of an exam. `pair_V`: places of the pairs in the whole exam."""

    ranks_V: RankArray
    row_V: IntArray
    pair_V: IntArray
    n_queries: int


class Measure(Protocol):
    """Turns answers into numbers by name; larger is better."""

    def __call__(self, answers: Answers) -> dict[str, float]:
        """The measured numbers."""


@dataclass(frozen=True)
class Found:
    """recall, hit rate, nDCG and MRR at `ks` (see training.metrics)."""

    ks: Sequence[int]

    def __call__(self, answers: Answers) -> dict[str, float]:
        """Means over the queries."""
        return ranking_metrics(answers.ranks_V, answers.row_V, answers.n_queries, self.ks)


@dataclass(frozen=True)
class Graded:
    """nDCG at `ks` with the gain 2^grade - 1 of each relevant pair."""

    grade_V: FloatArray
    ks: Sequence[int]

    def __call__(self, answers: Answers) -> dict[str, float]:
        """Means over the queries."""
        gain_V = (2 ** self.grade_V[answers.pair_V] - 1).astype(np.float32)
        return graded_ndcg(answers.ranks_V, answers.row_V, gain_V, answers.n_queries, self.ks)


@dataclass(frozen=True)
class Tagged:
    """Precision and propensity-scored precision at `ks`. `weight_V`: inverse propensity of each pair's label."""

    weight_V: FloatArray
    ks: Sequence[int]

    def __call__(self, answers: Answers) -> dict[str, float]:
        """Precision is a mean over the queries, PSP a share of sums (see training.propensity)."""
        ranks_V, row_V, n_queries = answers.ranks_V, answers.row_V, answers.n_queries
        scored = psp(ranks_V, row_V, self.weight_V[answers.pair_V].astype(np.float64), n_queries, self.ks)
        return precision(ranks_V, row_V, n_queries, self.ks) | scored


@dataclass(frozen=True)
class FoundByGroup:
    """recall@k of the pairs of each named group apart, each pair counted alike. `group_V`: number of the group."""

    groups: Sequence[str]
    group_V: IntArray
    k: int

    def __call__(self, answers: Answers) -> dict[str, float]:
        """Without the groups that have no pair."""
        group_V, hit_V = self.group_V[answers.pair_V], answers.ranks_V <= self.k
        present = [i for i in range(len(self.groups)) if (group_V == i).any()]
        return {f"recall@{self.k} {self.groups[i]}": float(hit_V[group_V == i].mean()) for i in present}


@dataclass(frozen=True)
class Exam:
    """Q queries (rows of the dataset) over C documents (item rows, ascending).

    `relevant`: places in the corpus to find, sorted and distinct, at least one a query. `parts`: subsets of the
    queries worth marks of their own, by name.
    """

    query_rows_Q: IntArray
    item_rows_C: IntArray
    relevant: Ragged
    measures: Sequence[Measure]
    parts: Mapping[str, IntArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.query_rows_Q)

    def evaluation_set(self, encoded: EncodedRecords | None = None) -> EvaluationSet:
        """The same queries as training.evaluate takes them, over the corpus, with nothing seen before."""
        none = Ragged(np.zeros(len(self) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))
        records = EncodedRecords({}, len(self)) if encoded is None else encoded
        return EvaluationSet(self.query_rows_Q, records, self.relevant, none, none)

    def sit(self, score: Score) -> "Sheet":
        """Rank the corpus for every query by scores [B, C]; tied scores take the middle rank."""
        return Sheet(self, rank(score, self.evaluation_set(), ks=(), exclude_seen=False).ranks_V)


@dataclass(frozen=True)
class Sheet:
    """The ranks that a method gave to every relevant pair of an exam."""

    exam: Exam
    ranks_V: RankArray

    def marks(self, query_P: IntArray | None = None) -> dict[str, float]:
        """All measures over the queries at these places of the exam, repeats counted; over all when None."""
        pairs = Ragged(self.exam.relevant.offsets, np.arange(len(self.ranks_V), dtype=np.int64))
        pairs = pairs if query_P is None else pairs.take(query_P)
        answers = Answers(self.ranks_V[pairs.values_V], pairs.row_index_V, pairs.values_V, len(pairs))
        return {name: value for measure in self.exam.measures for name, value in measure(answers).items()}

    def part_marks(self) -> dict[str, dict[str, float]]:
        """The marks of each part of the exam."""
        return {name: self.marks(query_P) for name, query_P in self.exam.parts.items()}

    def intervals(self, resamples: int = 1000, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % bootstrap intervals: 2.5th and 97.5th percentile of the marks over queries drawn with replacement."""
        rng, n_queries = np.random.default_rng(seed), len(self.exam)
        drawn = [self.marks(rng.integers(0, n_queries, n_queries)) for _ in range(resamples)]
        return {name: tuple(np.percentile([marks[name] for marks in drawn], [2.5, 97.5])) for name in drawn[0]}


def corpus_of(dataset: Dataset, exam: Exam) -> Items:
    """The documents of an exam as a catalogue of their own, in corpus order."""
    return Items(dataset.items.table.take(pa.array(exam.item_rows_C)), dataset.items.source)


def tower_score(learned: Learned, dataset: Dataset, exam: Exam) -> Score:
    """Dot products of a trained model over the corpus; the embeddings are computed once, here."""
    return dot_score(*tower_embeddings(learned, dataset, exam))


def tower_embeddings(learned: Learned, dataset: Dataset, exam: Exam) -> tuple[FloatArray, FloatArray]:
    """Embeddings [Q, D] of the exam's queries and [C, D] of its corpus."""
    cpu = torch.device("cpu")
    queries = encode_queries(dataset, exam.query_rows_Q, learned.features.query, None, None)
    documents = encode_items(replace(dataset, items=corpus_of(dataset, exam)), learned.features.item)
    return embed(learned.model.query, queries, cpu), embed(learned.model.item, documents, cpu)
