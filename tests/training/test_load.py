"""One call reads, splits and pairs, whatever the queries are."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError
from tests.training.item_pairs.shop import N_KINDS, planted_baskets, planted_config
from tests.training.world import shop_config, write_shop
from training.config import TrainConfig
from training.load import load


def write_planted(folder: Path) -> Path:
    """The planted shop as tables: every basket an invoice of its own, an hour after the one before."""
    baskets = planted_baskets()
    rows = [(number, item) for number, items in enumerate(baskets) for item in items]
    start = datetime(2020, 1, 1)
    columns = {
        "query_id": [f"customer{number % 7}" for number, _ in rows],
        "item_id": [f"i{item}" for _, item in rows],
        "timestamp": [start + timedelta(hours=number) for number, _ in rows],
        "invoice": [f"n{number}" for number, _ in rows],
    }
    pq.write_table(pa.table(columns), folder / "b.parquet")
    names = ["mattress"] * N_KINDS + ["sheet"] * N_KINDS
    items = {"item_id": [f"i{row}" for row in range(2 * N_KINDS)], "title": names}
    pq.write_table(pa.table(items), folder / "i.parquet")
    return folder


def planted(**data: object) -> TrainConfig:
    settings = planted_config().model_dump(mode="json")
    settings["data"] = {"items": "i.parquet", "interactions": "b.parquet", "pairs": {"source": "baskets"}} | data
    return validate_config(TrainConfig, settings, "test")


def test_baskets_become_pairs_after_the_split(tmp_path: Path) -> None:
    pairs = {"source": "baskets", "by": ["invoice"], "min_count": 1}
    dataset, split = load(planted(pairs=pairs), write_planted(tmp_path))
    assert dataset.queries_are == "items"
    assert len(dataset.query_ids) == 2 * N_KINDS
    # 64 pairs both ways, each in one basket of every round: three rounds train, one is later.
    weight_N = dataset.interactions.weight_N
    assert weight_N is not None
    assert weight_N[split.train_N].tolist() == [3.0] * 128
    assert weight_N[split.test_N].tolist() == [1.0] * 128


def test_without_pairs_interactions_stay_as_they_are(tmp_path: Path) -> None:
    dataset, split = load(shop_config(), write_shop(tmp_path))
    assert dataset.queries_are == "queries"
    parts = np.concatenate([split.train_N, split.validation_N, split.test_N])
    assert len(parts) == len(dataset.interactions)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"interactions": None}, "pairs of source 'baskets' need items and interactions"),
        ({"pairs": {"source": "relations"}}, "pairs of source 'relations' need items and relations"),
        ({"queries": "q.csv"}, "queries would not be read; remove it"),
        ({"relations": "r.csv", "judgements": "j.csv"}, "judgements, relations would not be read"),
    ],
)
def test_tables_that_pairs_need_are_there_and_no_other(data: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planted(**data)
