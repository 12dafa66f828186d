"""Learns how much embeddings and words shall count, on queries whose answers are known.

The weight is the one of a grid with the best mean nDCG@10 (gain 2^grade - 1), between equals the one nearest to a half.
Each query's candidates are those that a search of the version being built finds.

Q queries, C candidates of one query, M judged items of one query, D embedding.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from bundle.errors import InvalidTable
from bundle.features import text_columns
from bundle.featurize import Record
from bundle.items import Items
from bundle.store import Bundle
from bundle.tables import check_unique, read_table
from index.arrow_file import open_arrow
from index.fusion import Candidates, Fusion, best_first
from index.hybrid import HybridRanker
from index.ids import ItemIds
from index.kinds import IndexKind
from index.lexical.bm25 import open_bm25
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.manifest import IDS_FILE, LEXICAL_FOLDER, FusionReport
from index.queries import BATCH_SIZE, embed_rows
from index.ranking import DenseRanker, Queries
from index.role import open_role
from index.searcher import check_queries

WEIGHTS = tuple(step / 20 for step in range(21))
DEPTH = 10
MOST_GRADE = 30
FloatArray = NDArray[np.float64]


class FusionConfig(Config):
    """Queries with known answers that the weight of the fusion 'weighted' is learned on; never those of the test."""

    queries: Path = Field(description="Table of query records with `query_id`, relative to the config file.")
    interactions: Path = Field(
        description="Table with `query_id`, `item_id` and, if there are grades, `grade`; relative to the config file."
    )
    split: str | None = Field(
        default=None, description="Only interactions whose column `split` says this, for example 'validation'."
    )
    n_queries: int = Field(default=2_000, ge=1, description="Queries learned on, at most; drawn by the seed.")


@dataclass(frozen=True)
class Answers:
    """Grades by query and item row, of queries with a grade above 0, and how many name a query or item not known."""

    grade_by_row: Mapping[int, Mapping[int, float]]
    n_left_out: int

    @property
    def gain_by_row(self) -> dict[int, dict[int, float]]:
        """What each item is worth, 2^grade - 1, and 0 for a grade below 0."""
        return {
            query_row: {item_row: 2.0 ** max(grade, 0) - 1 for item_row, grade in known.items()}
            for query_row, known in self.grade_by_row.items()
        }


class FusionWeigher:
    """Learns on the dense and lexical index in the folder of a version that is being built."""

    def __init__(self, folder: Path, bundle: Bundle, kind: IndexKind, query_fields: Sequence[str]) -> None:
        """`kind` is that of the dense index; `query_fields` are those that are looked up by their words."""
        self._bundle = bundle
        self._fields = query_fields
        self._ids = ItemIds(open_arrow(folder / IDS_FILE, mmap=True))
        role = open_role(folder, kind, self._ids, bundle.manifest.metric, "cpu", mmap=True)
        bm25 = open_bm25(folder / LEXICAL_FOLDER, len(self._ids), mmap=True)
        lexical = LexicalRanker(bm25, QueryText(query_fields, bundle.query.featurizer.names))
        self._ranker = HybridRanker(DenseRanker(role), lexical, role, Fusion())

    def learn(self, config: FusionConfig, base: Path, seed: int) -> FusionReport:
        """The weight of the fusion 'weighted'; relative paths start at `base`. Raises InvalidTable."""
        path = base / config.queries
        texts = text_columns(self._bundle.query.featurizer.features) | set(self._fields)
        table = read_table(path, {"query_id": "string"}, texts=texts)
        check_unique(table, "query_id", path)
        answers = read_answers(config, base, table["query_id"].to_pylist(), self._ids)
        known = np.sort(np.random.default_rng(seed).permutation(sorted(answers.grade_by_row))[: config.n_queries])
        gain_by_row = answers.gain_by_row
        judged = (
            (candidates, gain_by_row[row])
            for rows_B in np.array_split(known, -(-len(known) // BATCH_SIZE))
            for row, candidates in zip(
                rows_B.tolist(), self._ranker.candidates(self._asked(table, rows_B, path)), strict=True
            )
        )
        weight, ndcg_W = best_weight(judged)
        ndcg = {f"{tried:g}": value for tried, value in zip(WEIGHTS, ndcg_W.round(6).tolist(), strict=True)}
        return FusionReport(dense_weight=weight, ndcg=ndcg, n_queries=len(known), n_left_out=answers.n_left_out)

    def _asked(self, table: pa.Table, rows_B: NDArray[np.int64], path: Path) -> Queries:
        manifest = self._bundle.manifest
        vectors_BD = embed_rows(self._bundle, table, rows_B, path)
        records: list[Record] = list(Items(table.take(pa.array(rows_B)), str(path)).records(self._fields))
        return Queries(check_queries(vectors_BD, manifest.dimension, manifest.metric), records)


def best_weight(judged: Iterable[tuple[Candidates, Mapping[int, float]]]) -> tuple[float, FloatArray]:
    """The best weight of the grid and the mean nDCG@10 of each, from candidates of queries and gains by item row."""
    ndcg_W = np.mean([ndcg_by_weight(candidates, gains) for candidates, gains in judged], axis=0)
    return max(zip(ndcg_W.round(6), WEIGHTS, strict=True), key=lambda one: (one[0], -abs(one[1] - 0.5)))[1], ndcg_W


def ndcg_by_weight(candidates: Candidates, gain_by_row: Mapping[int, float]) -> FloatArray:
    """nDCG@10 of one query's candidates under each weight of the grid."""
    gain_C = np.array([gain_by_row.get(row, 0.0) for row in candidates.row_C.tolist()])
    ideal = _dcg(np.sort(list(gain_by_row.values()))[::-1][:DEPTH])
    orders = (best_first(Fusion("weighted", w).scores(candidates), candidates.row_C, DEPTH) for w in WEIGHTS)
    return np.array([_dcg(gain_C[order]) for order in orders]) / ideal


def read_answers(config: FusionConfig, base: Path, query_ids: Sequence[str], ids: ItemIds) -> Answers:
    """The known grades of queries with an answer, a grade above 0; raises InvalidTable where none is left."""
    path = base / config.interactions
    table = read_table(path, {"query_id": "string", "item_id": "string"}, {"grade": "float", "split": "string"})
    if config.split is not None:
        if "split" not in table.column_names:
            raise InvalidTable(f"{path} has no column 'split'; leave the setting 'split' out or add it", path=str(path))
        table = table.filter(pc.equal(table["split"], config.split))
    row_by_id = {query_id: row for row, query_id in enumerate(query_ids)}
    grades: dict[int, dict[int, float]] = defaultdict(dict)
    left_out = 0
    for query_id, item_row, grade in _judged(table, ids, path):
        query_row = row_by_id.get(query_id)
        if query_row is None or item_row < 0:
            left_out += 1
        else:
            grades[query_row][item_row] = max(grade, grades[query_row].get(item_row, grade))
    answered = {row: known for row, known in grades.items() if max(known.values()) > 0}
    if not answered:
        raise InvalidTable(
            f"{path} has no answer of a query in {config.queries.name} that the catalogue holds; check the setting "
            "'split' and the ids",
            path=str(path),
        )
    return Answers(answered, left_out)


def _judged(table: pa.Table, ids: ItemIds, path: Path) -> Iterator[tuple[str, int, float]]:
    """Query id, item row (-1 where it is not known) and grade of every interaction, 1 where none stands."""
    given = table["grade"].to_pylist() if "grade" in table.column_names else [None] * table.num_rows
    grades = [1.0 if grade is None else float(grade) for grade in given]
    row = next((row for row, grade in enumerate(grades, start=1) if not -math.inf < grade <= MOST_GRADE), None)
    if row is not None:
        raise InvalidTable(
            f"{path} row {row}, column 'grade' has {grades[row - 1]:g}, but an answer is worth 2^grade - 1; "
            f"give grades up to {MOST_GRADE}",
            path=str(path),
            row=row,
            column="grade",
        )
    return zip(table["query_id"].to_pylist(), ids.find(table["item_id"].to_pylist()), grades, strict=True)


def _dcg(gain_K: FloatArray) -> float:
    return float((gain_K / np.log2(np.arange(2, len(gain_K) + 2))).sum())
