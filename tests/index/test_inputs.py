from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bundle.errors import BundleNotFound, ConfigError, InvalidTable
from bundle.workspace import Collection, Workspace
from index.config import BuildConfig
from index.inputs import BuildInputs, read_inputs
from tests.index.shop import make_items


def read(shop: Collection, **config: Any) -> BuildInputs:
    settings = {"collection": shop.name, "items": "items.parquet", **config}
    return read_inputs(shop, BuildConfig.model_validate(settings), shop.folder.parents[1])


def test_the_digest_is_that_of_the_content(own_shop: Collection) -> None:
    path = own_shop.folder.parents[1] / "items.parquet"
    before = read(own_shop).digest
    table = pq.read_table(path)
    pq.write_table(table.slice(20).take(list(range(40))), path)
    assert read(own_shop).digest != before
    pq.write_table(table.take(list(reversed(range(60)))), path, compression="none")
    assert read(own_shop).digest == before


def test_other_tables_that_the_config_names_count_by_their_bytes(own_shop: Collection) -> None:
    path = own_shop.folder.parents[1] / "queries.csv"
    digests = {read(own_shop).digest}
    for content in ("title\na\n", "title\nb\n"):
        path.write_text(content)
        digests.add(read(own_shop, queries="queries.csv").digest)
    assert len(digests) == 3
    path.unlink()
    with pytest.raises(InvalidTable, match=r"queries\.csv"):
        read(own_shop, queries="queries.csv")


def test_one_tower_embeds_where_queries_are_no_items(own_shop: Collection) -> None:
    assert list(read(own_shop).towers) == [Path()]


def test_where_queries_are_items_the_query_tower_comes_last(own_pairs: Collection) -> None:
    inputs = read(own_pairs)
    assert list(inputs.towers) == [Path(), Path("in")]
    assert inputs.towers[Path("in")] is inputs.bundle.query


def test_what_cannot_be_built_is_refused(own_shop: Collection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'other'"):
        read(own_shop, collection="other")
    make_items(tmp_path / "items.parquet", 3)
    with pytest.raises(BundleNotFound, match="no bundle"):
        read(Workspace(tmp_path).collection("empty"))
