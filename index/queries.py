"""The queries that index recall is measured with.

Q queries, N corpus, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import InvalidRecord, InvalidTable
from bundle.features import text_columns
from bundle.featurize import Record
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


def item_queries(vectors_ND: FloatArray, n_queries: int, seed: int) -> RecallQueries:
    """A seeded sample of corpus vectors, to be answered without themselves.

    They lie where the items lie; queries of another tower may be harder, so a query table is the better measure.
    """
    rows_Q = _sample(len(vectors_ND), n_queries, seed)
    return RecallQueries(np.ascontiguousarray(vectors_ND[rows_Q]), rows_Q)


def table_queries(bundle: Bundle, path: Path, n_queries: int, seed: int) -> RecallQueries:
    """A seeded sample of a table's query records through the query tower; raises InvalidTable naming the row."""
    table, rows_Q = _sampled(bundle, path, n_queries, seed)
    return RecallQueries(embed_rows(bundle, table, rows_Q, path), None)


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


def read_query_records(bundle: Bundle, path: Path, n_queries: int, seed: int) -> list[Record]:
    """A seeded sample of a table's query records; raises InvalidTable."""
    table, rows_Q = _sampled(bundle, path, n_queries, seed)
    return list(Items(table.take(pa.array(rows_Q)), str(path)).records(bundle.query.featurizer.names))


def _sampled(bundle: Bundle, path: Path, n_queries: int, seed: int) -> tuple[pa.Table, NDArray[np.int64]]:
    """A table of query records and the rows of a seeded sample of it."""
    table = read_table(path, {}, texts=text_columns(bundle.query.featurizer.features))
    if not table.num_rows:
        raise InvalidTable(f"{path} has no rows; give at least one query, or leave 'queries' out", path=str(path))
    return table, _sample(table.num_rows, n_queries, seed)


def _sample(count: int, size: int, seed: int) -> NDArray[np.int64]:
    rows = np.random.default_rng(seed).choice(count, min(size, count), replace=False)
    return np.sort(rows).astype(np.int64)
