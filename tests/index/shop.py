"""A small catalogue with text, numbers, times and duplicates, and index versions of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from tests.tiny import tiny_bundle

DIMENSION = 8


def make_items(path: Path, count: int, seed: int = 0) -> Path:
    """Write `count` items in an order that is not that of their ids; every tenth repeats its neighbour's title."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdefghijkl"), 5)) for _ in range(200)]
    titles = [" ".join(rng.choice(words, 3)) for _ in range(count)]
    titles[1::10] = titles[0::10][: len(titles[1::10])]
    order = rng.permutation(count)
    table = pa.table(
        {
            "item_id": [f"item-{row}" for row in range(count)],
            "title": titles,
            "price": [row / 4 for row in range(count)],
            "listed_at": [datetime(2024, 1, 1 + row % 28, 12, tzinfo=UTC) for row in range(count)],
            "tags": [["a", "b"]] * count,
        }
    )
    pq.write_table(table.take(pa.array(order)), path)
    return path


def make_shop(root: Path, count: int = 60, **bundle: Any) -> Collection:
    """A collection with one tiny bundle and an items table beside it."""
    collection = Workspace(root).collection("shop")
    tiny_bundle(collection, dimension=DIMENSION, **bundle)
    make_items(root / "items.parquet", count)
    return collection


def build_shop(shop: Collection, /, **config: Any) -> str:
    """Build one version of the shop's items."""
    root = shop.folder.parents[1]
    settings = {"collection": shop.name, "items": "items.parquet", **config}
    return build_index(shop, BuildConfig.model_validate(settings), base=root)
