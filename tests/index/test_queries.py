from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.workspace import Workspace
from index.queries import item_queries, table_queries
from tests.contracts.index_kind import clustered
from tests.index.linear import linear_bundle

DOUBLE = 2 * np.eye(2, dtype=np.float32)


def test_item_queries_are_distinct_corpus_rows_that_the_seed_draws() -> None:
    vectors_ND = clustered(100)
    queries = item_queries(vectors_ND, 20, seed=1)
    assert queries.source == "items"
    assert queries.own_rows_Q is not None
    assert len(set(queries.own_rows_Q.tolist())) == 20
    np.testing.assert_array_equal(queries.vectors_QD, vectors_ND[queries.own_rows_Q])
    again, other = item_queries(vectors_ND, 20, seed=1), item_queries(vectors_ND, 20, seed=2)
    np.testing.assert_array_equal(again.vectors_QD, queries.vectors_QD)
    assert not np.array_equal(other.vectors_QD, queries.vectors_QD)
    assert len(item_queries(vectors_ND, 1_000, seed=1).vectors_QD) == 100


def test_table_queries_go_through_the_query_tower(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), DOUBLE)
    pq.write_table(pa.table({"vector": [[float(n), 1.0] for n in range(100)]}), tmp_path / "q.parquet")
    queries = table_queries(bundle, tmp_path / "q.parquet", 70, seed=0)
    assert queries.source == "table"
    assert queries.own_rows_Q is None
    assert queries.vectors_QD.shape == (70, 2)
    assert set(queries.vectors_QD[:, 0].tolist()) <= {2.0 * n for n in range(100)}


def test_bad_query_tables_are_named_by_row_and_column(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), DOUBLE)
    for name, table, message in (
        ("empty", pa.table({"vector": pa.array([], pa.list_(pa.float64()))}), "no rows"),
        ("other", pa.table({"title": ["x"]}), "no column 'vector'"),
        ("short", pa.table({"vector": [[1.0, 1.0], [1.0]]}), "row 2, column 'vector'"),
    ):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        with pytest.raises(InvalidTable, match=message):
            table_queries(bundle, tmp_path / f"{name}.parquet", 10, seed=0)
