"""A small shop on disk with every kind of feature: customers buy from their own topic, in order of time."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bundle.config import validate_config
from training.config import TrainConfig

N_ITEMS, N_QUERIES, N_TOPICS, BUYS = 60, 40, 4, 12
WORDS = ("red lamp", "steel pan", "garden chair", "paper bag")


def write_shop(folder: Path) -> Path:
    """Write the tables and return the folder."""
    rng = np.random.default_rng(7)
    topics = np.arange(N_ITEMS) % N_TOPICS
    items = {
        "item_id": [f"i{row}" for row in range(N_ITEMS)],
        "title": [f"{WORDS[topic]} {row}" for row, topic in enumerate(topics)],
        "tags": [["sale", WORDS[topic].split()[0]][row % 2 :] for row, topic in enumerate(topics)],
        "price": rng.uniform(1, 9, N_ITEMS),
        "photo": [rng.normal(size=3).astype(np.float32).tolist() for _ in range(N_ITEMS)],
    }
    pq.write_table(pa.table(items), folder / "items.parquet")
    queries = {"query_id": [f"q{row}" for row in range(N_QUERIES)], "land": ["fr", "de"] * (N_QUERIES // 2)}
    pq.write_table(pa.table(queries), folder / "queries.parquet")
    start = datetime.datetime(2020, 1, 1)
    rows = [
        {
            "query_id": f"q{query}",
            "item_id": f"i{rng.integers(0, N_ITEMS // N_TOPICS) * N_TOPICS + query % N_TOPICS}",
            "timestamp": start + datetime.timedelta(hours=100 * buy + query),
        }
        for buy in range(BUYS)
        for query in range(N_QUERIES)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "interactions.parquet")
    return folder


def shop_settings() -> dict[str, Any]:
    """Settings of a run that takes a second or two."""
    return {
        "collection": "shop",
        "data": {"items": "items.parquet", "interactions": "interactions.parquet", "queries": "queries.parquet"},
        "split": {"kind": "leave_last_out"},
        "features": {
            "query": [
                {"kind": "category", "name": "query_id"},
                {"kind": "category", "name": "land"},
                {"kind": "sequence", "name": "history", "max_length": 5},
            ],
            "item": [
                {"kind": "category", "name": "item_id"},
                {"kind": "text", "name": "title", "buckets": 500},
                {"kind": "categories", "name": "tags", "max_length": 3},
                {"kind": "number", "name": "price", "transform": "log"},
                {"kind": "vector", "name": "photo", "dimension": 3},
            ],
        },
        "dimension": 16,
        "query_tower": {"dropout": 0.1, "hidden": [8]},
        "examples": {"history_feature": "history"},
        "negatives": {"kind": "in_batch"},
        "objective": {"kind": "decoupled_softmax", "logq": "classic"},
        "trainer": {"epochs": 3, "batch_size": 64, "learning_rate": 0.01, "refit": "validation"},
        "quantizer": {"kind": "residual", "levels": 2, "codebook_size": 8, "beam": 3},
        "evaluation": {"ks": [5, 10], "exclude_seen": False},
    }


def shop_config(**changes: Any) -> TrainConfig:
    """The settings with whole sections, or single keys of a section, replaced."""
    settings = shop_settings()
    for name, value in changes.items():
        old = settings.get(name)
        settings[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return validate_config(TrainConfig, settings, "test")
