from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.hubness.asking import Asking, asking_items, asking_table
from index.hubness.bank import NO_ROW
from index.version import IndexVersion


def table(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table({"title": ["red", "blue", "green"], **columns}), path)
    return path


def test_items_ask_without_themselves() -> None:
    vectors_ND = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    asking = asking_items(vectors_ND, 20, 0)
    assert len(asking) == 20
    assert asking.vectors_QD.tolist() == vectors_ND[asking.own_rows_Q].tolist()
    assert asking.bank().left_out_M.tolist() == asking.own_rows_Q.tolist()


def test_a_table_asks_with_its_records_and_knows_what_they_are_to_find(
    shop: Collection, opened: IndexVersion, tmp_path: Path
) -> None:
    bundle = open_bundle(shop, opened.bundle_id)
    ids = pa.chunked_array([["item-1", "item-2", "item-3"]])
    path = table(tmp_path / "q.parquet", wanted=["item-3", None, "gone"])
    asking = asking_table(bundle, path, "wanted", ids, 10, 0)
    np.testing.assert_allclose(asking.vectors_QD, bundle.query.embed([{"title": t} for t in ("red", "blue", "green")]))
    assert asking.positive_rows_Q.tolist() == [2, NO_ROW, NO_ROW]
    assert asking.bank().left_out_M.tolist() == [2, NO_ROW, NO_ROW]
    assert asking_table(bundle, path, None, ids, 10, 0).positive_rows_Q.tolist() == [NO_ROW] * 3
    with pytest.raises(InvalidTable, match="has no column 'clicked'; it has: title, wanted"):
        asking_table(bundle, path, "clicked", ids, 10, 0)


def test_positives_that_look_like_numbers_are_ids(shop: Collection, opened: IndexVersion, tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("title,wanted\nred,007\nblue,8\n")
    ids = pa.chunked_array([["007", "7", "8"]])
    asking = asking_table(open_bundle(shop, opened.bundle_id), path, "wanted", ids, 10, 0)
    assert asking.positive_rows_Q.tolist() == [0, 2]


def test_queries_at_some_places_keep_what_is_known_of_them() -> None:
    asking = Asking(np.eye(3, dtype=np.float32), np.array([4, 5, 6]), np.array([NO_ROW, 1, 2]), "items")
    part = asking.at(np.array([2, 0]))
    assert part.vectors_QD.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert (part.own_rows_Q.tolist(), part.positive_rows_Q.tolist()) == ([6, 4], [2, NO_ROW])
