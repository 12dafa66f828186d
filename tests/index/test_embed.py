from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from bundle.errors import InvalidTable
from bundle.items import Items
from bundle.progress import NoProgress
from bundle.store import Bundle, list_bundles, open_bundle
from bundle.workspace import Collection, Workspace
from index.catalogue import read_catalogue
from index.embed import embed_items
from index.errors import EmbeddingFailed
from tests.index.linear import linear_bundle

UNIT = np.eye(2, dtype=np.float32)


class Recorded(NoProgress):
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.total: int | None = None

    def start(self, task: str, total: int | None) -> None:
        self.total = total

    def advance(self, n: int = 1) -> None:
        self.steps.append(n)


def items(vectors: list[list[float]]) -> Items:
    ids = [f"i{row}" for row in range(len(vectors))]
    return Items(pa.table({"item_id": ids, "vector": pa.array(vectors, pa.list_(pa.float64()))}), "items.parquet")


def embed(bundle: Bundle, source: Items, path: Path, shard_size: int = 3) -> NDArray[np.float32]:
    return embed_items(bundle, bundle.item, source, path / "v.npy", NoProgress(), shard_size=shard_size, batch_size=2)


def test_vectors_stand_in_row_order_whatever_the_shard(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), np.array([[2, 0], [0, 3]], dtype=np.float32))
    source = items([[float(row), 1.0] for row in range(10)])
    expected = [[2.0 * row, 3.0] for row in range(10)]
    for shard_size in (1, 3, 10, 100):
        assert embed(bundle, source, tmp_path, shard_size).tolist() == expected


def test_texts_sorted_by_length_within_a_shard_come_back_in_row_order(shop: Collection, tmp_path: Path) -> None:
    bundle = open_bundle(shop, list_bundles(shop)[0])
    source = read_catalogue(shop.folder.parents[1] / "items.parquet")
    vectors_ND = embed_items(
        bundle, bundle.item, source, tmp_path / "v.npy", NoProgress(), shard_size=128, batch_size=16
    )
    one_by_one = np.concatenate([bundle.item.embed([record]) for record in source.records(["title"])])
    np.testing.assert_allclose(vectors_ND, one_by_one, rtol=0, atol=1e-6)


def test_progress_counts_every_item_once(tmp_path: Path) -> None:
    bundle, progress = linear_bundle(Workspace(tmp_path).collection("c"), UNIT), Recorded()
    embed_items(bundle, bundle.item, items([[1.0, 0.0]] * 8), tmp_path / "v.npy", progress, shard_size=3, batch_size=2)
    assert (progress.total, progress.steps) == (8, [3, 3, 2])


def test_an_infinite_embedding_names_its_items(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), UNIT * np.float32(1e30))
    with pytest.raises(EmbeddingFailed, match="2 items, among them 'i1', 'i4'"):
        embed(bundle, items([[1, 0], [1e30, 0], [0, 1], [1, 1], [0, -1e30]]), tmp_path, shard_size=10)


def test_a_cosine_bundle_must_give_unit_vectors_or_zero(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), UNIT, metric="cosine")
    assert embed(bundle, items([[0.6, 0.8], [0.0, 0.0]]), tmp_path).shape == (2, 2)
    with pytest.raises(EmbeddingFailed, match="item 'i1' are not of unit length"):
        embed(bundle, items([[0.6, 0.8], [0.6, 0.6]]), tmp_path)


def test_a_bad_feature_names_the_item_and_the_column(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), UNIT)
    with pytest.raises(InvalidTable, match=r"items\.parquet, item 'i4', column 'vector'"):
        embed(bundle, items([[1.0, 0.0]] * 4 + [[1.0]]), tmp_path)
    with pytest.raises(InvalidTable, match="no column 'vector'"):
        embed(bundle, Items(pa.table({"item_id": ["a"]}), "items.parquet"), tmp_path)


def test_an_empty_catalogue_is_an_error(tmp_path: Path) -> None:
    bundle = linear_bundle(Workspace(tmp_path).collection("c"), UNIT)
    with pytest.raises(InvalidTable, match="no rows"):
        embed(bundle, items([]), tmp_path)
