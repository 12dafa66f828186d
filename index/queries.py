"""The queries that index recall is measured with.

Q queries, N corpus, D embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import InvalidRecord, InvalidTable
from bundle.features import text_columns
from bundle.items import Items
from bundle.store import Bundle
from bundle.tables import read_table

FloatArray = NDArray[np.float32]
BATCH_SIZE = 64


@dataclass(frozen=True)
class RecallQueries:
    """Vectors to measure with; `own_rows_Q` are the corpus rows they were taken from, None for a query table."""

    vectors_QD: FloatArray
    own_rows_Q: NDArray[np.int64] | None

    @property
    def source(self) -> Literal["items", "table"]:
        """Where the vectors come from."""
        return "table" if self.own_rows_Q is None else "items"


def recall_queries(
    bundle: Bundle, asking_ND: FloatArray, table: Path | None, n_queries: int, seed: int
) -> RecallQueries:
    """A seeded sample of the table's records, or of the vectors that ask where there is no table.

    Raises InvalidTable naming the row.
    """
    if table is None:
        return item_queries(asking_ND, n_queries, seed)
    return table_queries(bundle, table, n_queries, seed)


def item_queries(vectors_ND: FloatArray, n_queries: int, seed: int) -> RecallQueries:
    """A seeded sample of corpus vectors, to be answered without themselves.

    They lie where the items lie; queries of another tower may be harder, so a query table is the better measure.
    """
    rows_Q = sample_rows(len(vectors_ND), n_queries, seed)
    return RecallQueries(np.ascontiguousarray(vectors_ND[rows_Q]), rows_Q)


def table_queries(bundle: Bundle, path: Path, n_queries: int, seed: int) -> RecallQueries:
    """A seeded sample of a table's query records through the query tower; raises InvalidTable naming the row."""
    return RecallQueries(sample_queries(bundle, path, n_queries, seed)[0], None)


def sample_queries(
    bundle: Bundle, path: Path, n_queries: int, seed: int, texts: Sequence[str] = ()
) -> tuple[FloatArray, pa.Table]:
    """Vectors [Q, D] of a seeded sample of a table's query records, and their rows of the table.

    `texts` are columns that are read as texts like those of the text features. Raises InvalidTable naming the row.
    """
    table = read_table(path, {}, texts=[*text_columns(bundle.query.featurizer.features), *texts])
    if not table.num_rows:
        raise InvalidTable(f"{path} has no rows; give at least one query, or leave 'queries' out", path=str(path))
    rows_Q = sample_rows(table.num_rows, n_queries, seed)
    return embed_rows(bundle, table, rows_Q, path), table.take(pa.array(rows_Q))


def embed_rows(bundle: Bundle, table: pa.Table, rows_Q: NDArray[np.int64], path: Path) -> FloatArray:
    """Embeddings [Q, D] of query records, which are rows of the table read from `path`.

    Raises InvalidTable naming the row.
    """
    records = Items(table.take(pa.array(rows_Q)), str(path)).records(bundle.query.featurizer.names)
    try:
        encoded = bundle.query.featurizer.encode(records)
    except InvalidRecord as error:
        row = int(rows_Q[int(str(error.context["position"]))]) + 1
        raise InvalidTable(
            f"{path} row {row}, column '{error.context['feature']}': {error.__cause__ or error}",
            path=str(path),
            row=row,
            column=error.context["feature"],
        ) from error
    batches = np.array_split(np.arange(len(rows_Q)), -(-len(rows_Q) // BATCH_SIZE))
    return np.concatenate([bundle.query.embed_batch(encoded.batch(rows_B)) for rows_B in batches])


def sample_rows(count: int, size: int, seed: int) -> NDArray[np.int64]:
    """`size` rows of `count`, or all, drawn with a seed; ascending."""
    rows = np.random.default_rng(seed).choice(count, min(size, count), replace=False)
    return np.sort(rows).astype(np.int64)
