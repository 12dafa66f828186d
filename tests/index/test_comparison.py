from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.comparison import changed_neighbours, common_items, semantic_id_churn
from index.config import BuildConfig
from index.version import IndexVersion, open_version
from tests.index.linear import linear_bundle
from tests.index.shop import build_shop, make_items

EYE = np.eye(2, dtype=np.float32)


def version_of(collection: Collection, vectors: dict[str, list[float]]) -> IndexVersion:
    path = collection.folder.parents[1] / "items.parquet"
    table = {"item_id": list(vectors), "vector": pa.array(list(vectors.values()), pa.list_(pa.float64()))}
    pq.write_table(pa.table(table), path)
    return open_version(collection, build_index(collection, BuildConfig(collection=collection.name, items=path)))


@pytest.fixture
def plane(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("plane")
    linear_bundle(collection, EYE)
    return collection


def on_a_circle(*degrees: float) -> dict[str, list[float]]:
    radians = np.deg2rad(degrees)
    return {f"i{n}": [float(np.cos(one)), float(np.sin(one))] for n, one in enumerate(radians)}


def test_an_item_counts_as_changed_when_it_lost_most_of_its_neighbours(plane: Collection) -> None:
    before = version_of(plane, on_a_circle(0, 2, 4, 6, 90, 92, 94, 96))
    items = [f"i{n}" for n in range(8)]
    assert changed_neighbours(before, before, items, 3) == 0
    # The first item joins the second group: it loses all three, the other seven at most one of theirs.
    after = version_of(plane, on_a_circle(93, 2, 4, 6, 90, 92, 94, 96))
    assert changed_neighbours(before, after, items, 3) == 1 / 8
    assert changed_neighbours(before, after, ["i0"], 3) == 1


def test_neighbours_that_left_the_catalogue_do_not_count(plane: Collection) -> None:
    before = version_of(plane, on_a_circle(0, 2, 4, 6, 90, 92, 94, 96))
    left = {name: place for name, place in on_a_circle(0, 2, 4, 6, 90, 92, 94, 96).items() if name not in {"i1", "i2"}}
    after = version_of(plane, left)
    assert changed_neighbours(before, after, common_items(before, after, 100, seed=0), 3) == 0


def test_common_items_are_in_both_and_drawn_by_the_seed(plane: Collection) -> None:
    before = version_of(plane, on_a_circle(*range(20)))
    after = version_of(plane, {name: place for name, place in on_a_circle(*range(20)).items() if name >= "i15"})
    assert set(common_items(before, after, 100, seed=0)) == set(after.ids.at(range(after.count)))
    assert common_items(before, after, 2, seed=1) == common_items(before, after, 2, seed=1)
    assert len(common_items(before, before, 3, seed=1)) == 3


def test_churn_is_the_share_of_other_semantic_ids(own_shop: Collection) -> None:
    before = open_version(own_shop, build_shop(own_shop))
    make_items(own_shop.folder.parents[1] / "items.parquet", 60, seed=1)
    after = open_version(own_shop, build_shop(own_shop))
    items = [f"item-{n}" for n in range(60)]
    pairs = zip(before.semantic_ids(items) or (), after.semantic_ids(items) or (), strict=True)
    assert semantic_id_churn(before, after, items) == pytest.approx(np.mean([str(a) != str(b) for a, b in pairs]))
    assert semantic_id_churn(before, before, items) == 0


def test_without_semantic_ids_there_is_no_churn(plane: Collection) -> None:
    version = version_of(plane, on_a_circle(0, 1))
    assert semantic_id_churn(version, version, ["i0"]) is None
