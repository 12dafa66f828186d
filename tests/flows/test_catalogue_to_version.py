"""Line two: the catalogue becomes an index version that names its bundle, its recall and every file."""

import numpy as np
import pyarrow.parquet as pq

from bundle.store import open_bundle
from index.build import build_index
from index.config import BuildConfig
from index.store import activate, current, verify_version
from index.version import open_version
from tests.flows.conftest import Trained


def test_catalogue_to_active_version(trained: Trained) -> None:
    items = trained.tables / "items.parquet"
    config = BuildConfig(collection=trained.collection.name, items=items)
    version = build_index(trained.collection, config)
    assert current(trained.collection) != version  # building does not serve
    activate(trained.collection, version)
    assert current(trained.collection) == version

    manifest = verify_version(trained.collection, version)
    table = pq.read_table(items)
    assert manifest.bundle_id == trained.result.bundle_id
    assert manifest.count == table.num_rows
    assert manifest.recall.recall == 1.0  # this size is searched exactly

    opened = open_version(trained.collection, version)
    records = table.slice(0, 20).to_pylist()
    ids = [record["item_id"] for record in records]
    embedded = open_bundle(trained.collection, manifest.bundle_id).item.embed(records)
    np.testing.assert_allclose(opened.vectors(ids), embedded, atol=1e-6)
    assert [row["description"] for row in opened.attributes(ids)] == [record["description"] for record in records]
    semantic_ids = opened.semantic_ids(ids)
    assert semantic_ids is not None and opened.prefix is not None
    for item_id, semantic_id in zip(ids, semantic_ids, strict=True):
        assert item_id in opened.prefix.item_ids(semantic_id.codes, limit=manifest.count)
