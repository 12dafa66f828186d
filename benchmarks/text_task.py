"""A text retrieval task: its data in memory, the base configuration of every method, and its exams.

Letters: N pairs of a query and an item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.exam import Exam, corpus_of
from bundle.items import Items
from training.dataset import Dataset, DatasetReport
from training.errors import BadData
from training.interactions import Interactions
from training.queries import Queries
from training.ragged import BoolArray, IntArray
from training.splits import Split

TEXT = "text"


@dataclass(frozen=True)
class Task:
    """One task of the benchmark.

    `split`: the pairs to train on; held-out pairs stand in test_N, and in validation_N only where the exam's corpus is
    the whole catalogue. `base`: configuration that a method's overrides lie over. `exams` has 'dev', to choose
    settings by, and 'test'. `columns`: the items' columns that lexical methods read.
    """

    name: str
    dataset: Dataset
    split: Split
    base: Mapping[str, Any]
    preamble: str
    ks: tuple[int, ...]
    exams: Mapping[str, Exam]
    columns: tuple[str, ...] = (TEXT,)

    def query_texts(self, rows: IntArray) -> list[str]:
        """The texts of these query rows."""
        return [str(record[TEXT]) for record in self.dataset.queries.records([TEXT], rows)]

    def document_texts(self, exam: Exam, columns: Sequence[str] | None = None) -> list[str]:
        """The texts of an exam's corpus: `columns` (the task's, if None), joined by line ends."""
        records = corpus_of(self.dataset, exam).records(columns or self.columns)
        return ["\n".join(str(value) for value in record.values()) for record in records]


def text_dataset(
    items: Mapping[str, Sequence[object]], queries: Mapping[str, Sequence[object]], pairs: "Pairs"
) -> Dataset:
    """A dataset of columns; `items` has `item_id`, `queries` has `query_id`."""
    item_table, query_table = pa.table(dict(items)), pa.table(dict(queries))
    query_ids: list[str] = query_table["query_id"].to_pylist()
    item_ids = item_table["item_id"].take(pa.array(pairs.item_N))
    table = pa.table({"query_id": query_table["query_id"].take(pa.array(pairs.query_N)), "item_id": item_ids})
    n_pairs = len(pairs.query_N)
    report = DatasetReport(item_table.num_rows, len(query_ids), n_pairs, n_pairs, 0, 0, 0)
    return Dataset(
        Items(item_table, "the items"),
        Queries(query_ids, query_table, "the queries"),
        Interactions.from_table(table, pairs.query_N, pairs.item_N),
        None,
        None,
        report,
    )


@dataclass(frozen=True)
class Pairs:
    """Positive pairs by query row and item row."""

    query_N: IntArray
    item_N: IntArray

    def split(self, train_N: BoolArray, validation_N: BoolArray | None = None) -> Split:
        """Training and validation pairs as marked, all others test."""
        dev_N = np.zeros(len(train_N), dtype=np.bool_) if validation_N is None else validation_N
        return Split.from_masks(train_N, dev_N, ~(train_N | dev_N), made_by="task")


def needed(path: Path) -> Path:
    """`path`, when it is there; BadData that says what to do otherwise."""
    if not path.exists():
        raise BadData(f"{path} is not there; give the folder of the benchmark data with --data", path=str(path))
    return path
