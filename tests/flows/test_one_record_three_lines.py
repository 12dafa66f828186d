"""No skew: one record gives the same bytes in training, in the index build and in a request."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bundle.tower import Tower
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from tests.flows.conftest import Trained
from tests.flows.test_request_to_response import CUSTOMER, _ask
from training.dataset import load_dataset
from training.fit_features import fit_featurizers
from training.records import encode_items

ITEM_ROW = 1234


def _bytes_of(arrays: Mapping[str, Any], row: int) -> dict[str, bytes]:
    """One record's arrays; texts without the padding that their batch mates asked for."""
    one = {name: array[row] for name, array in arrays.items()}
    return {n: (np.trim_zeros(a, "b") if a.dtype == np.int64 and a.ndim else a).tobytes() for n, a in one.items()}


def test_an_item_and_a_query_give_equal_bytes_everywhere(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Tower, Mapping[str, Any]]] = []
    run = Tower.embed_batch

    def listening(tower: Tower, arrays: Mapping[str, Any]) -> Any:
        seen.append((tower, arrays))
        return run(tower, arrays)

    config, dataset = trained.config, load_dataset(trained.config.data, trained.tables)
    features = fit_featurizers(config.features, dataset, config.split.split(dataset).train_N)
    trained_item = _bytes_of(encode_items(dataset, features.item).batch(np.array([ITEM_ROW])), 0)
    trained_query = _bytes_of(features.query([CUSTOMER]), 0)

    monkeypatch.setattr(Tower, "embed_batch", listening)
    items = trained.tables / "items.parquet"
    version = build_index(trained.collection, BuildConfig(collection=trained.collection.name, items=items))
    built = [_bytes_of(arrays, row) for _, arrays in seen for row in range(len(arrays["item_id"]))]
    assert built.count(trained_item) == 1

    activate(trained.collection, version)
    record = pq.read_table(items).slice(ITEM_ROW, 1).to_pylist()[0]
    wanted = {name: record[name] for name in features.item.names}
    seen.clear()
    _ask(trained, [("embed", {"tower": "item", "records": [wanted]}), ("search", {"queries": [CUSTOMER]})])
    asked = [_bytes_of(arrays, 0) for _, arrays in seen]
    assert trained_item in asked
    assert trained_query in asked
