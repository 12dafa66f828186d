"""What a build keeps for a feature ranker, by item, whatever the order of the table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.store import open_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.feature_rows import open_feature_rows
from index.version import IndexVersion, open_version
from tests.service.tiny import ids, titles, write_tiny_bundle


@pytest.fixture
def shop(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection, feature_ranker={"score": 1})
    return collection


def build(shop: Collection, folder: Path, prices: list[object]) -> IndexVersion:
    """A version over the items a-00000 and so on, in a table that begins with the last."""
    names = ids("a", len(prices))
    table = pa.table({"item_id": names[::-1], "title": titles(len(prices)), "price": prices[::-1]})
    pq.write_table(table, folder / "items.parquet")
    return open_version(shop, build_index(shop, BuildConfig(collection="shop", items=folder / "items.parquet")))


def test_numbers_and_codes_stand_in_the_order_of_the_corpus(shop: Collection, tmp_path: Path) -> None:
    version = build(shop, tmp_path, [10.0, None, 40.0])
    bundle, rows = open_bundle(shop, version.bundle_id), version.feature_rows
    assert rows is not None and bundle.rerankers.feature_ranker is not None and bundle.semantic_ids is not None
    assert bundle.rerankers.feature_ranker.spec.numbers == [
        "log_count",
        "log_recent_count",
        "log_days_since_last",
        "price",
    ]
    log, nan = np.log1p, np.nan
    numbers_NS = [[log(2), log(1), 0, -1], [log(1), log(1), log(1), nan], [0, 0, nan, 2]]
    np.testing.assert_allclose(rows.number_NS, numbers_NS, atol=1e-6)
    side = rows.side(0, version.role().vectors_ND)
    assert side.category_NC.shape == (3, 0)
    np.testing.assert_array_equal(side.code_NL, bundle.semantic_ids.encode(np.array(version.role().vectors_ND)))
    copied = open_feature_rows(shop.index(version.version), mmap=False)
    assert copied is not None
    np.testing.assert_array_equal(copied.number_NS, rows.number_NS)


def test_a_value_that_is_no_number_is_named(shop: Collection, tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="item 'a-00000', column 'price' must be a number, but is str"):
        build(shop, tmp_path, ["1", "cheap"])
    with pytest.raises(InvalidTable, match="has no column 'price', which the feature spec asks for"):
        pq.write_table(pa.table({"item_id": ["a"], "title": ["red"]}), tmp_path / "few.parquet")
        build_index(shop, BuildConfig(collection="shop", items=tmp_path / "few.parquet"))


def test_a_bundle_without_a_ranker_has_no_rows(tmp_path: Path) -> None:
    plain = Workspace(tmp_path).collection("plain")
    write_tiny_bundle(plain)
    pq.write_table(pa.table({"item_id": ["a"], "title": ["red"]}), tmp_path / "few.parquet")
    version = build_index(plain, BuildConfig(collection="plain", items=tmp_path / "few.parquet"))
    assert open_version(plain, version).feature_rows is None
