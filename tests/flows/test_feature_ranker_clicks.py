"""A run whose feature ranker learns from clicks: it orders by what was liked.

K places of a list.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.progress import NoProgress
from bundle.rerankers.pair_features import AskingQuery, ItemSide
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.world import N_ITEMS, N_QUERIES, shop_config, write_shop
from training.config import TrainConfig
from training.run import train

N_LISTS, N_PLACES = 1200, 8
RANKER = {
    "depth": 20,
    "item": [{"kind": "number", "name": "price"}],
    "clicks": {"log": "clicks.parquet", "steps": 300, "batch_size": 128, "learning_rate": 0.02},
}


def write_clicks(folder: Path) -> None:
    """The dear are liked, the cheap mostly come first, a place is looked at with probability 1 / place; 4 are gone."""
    rng = np.random.default_rng(0)
    price_N = np.append(pq.read_table(folder / "items.parquet")["price"].to_numpy(), [1, 3, 7, 9])
    rows = []
    for session in range(N_LISTS):
        item_K = rng.choice(len(price_N), N_PLACES, replace=False)
        item_K = item_K[np.argsort(price_N[item_K] + rng.normal(0, 4, N_PLACES))]
        looked_K = rng.random(N_PLACES) < 1 / np.arange(1, N_PLACES + 1)
        liked_K = rng.random(N_PLACES) < np.where(price_N[item_K] > 5, 0.9, 0.1)
        rows += [
            {
                "session_id": str(session),
                "query_id": f"q{session % N_QUERIES}",
                "item_id": f"i{item}",
                "position": place + 1,
                "clicked": int(looked_K[place] and liked_K[place]),
            }
            for place, item in enumerate(item_K.tolist())
        ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "clicks.parquet")


@pytest.fixture
def config() -> TrainConfig:
    return shop_config(trainer={"epochs": 1, "refit": "none"}, quantizer=None, rerankers={"feature_ranker": RANKER})


def test_it_orders_by_what_was_liked_and_reports_on_the_log(config: TrainConfig, tmp_path: Path) -> None:
    write_clicks(write_shop(tmp_path))
    collection = Workspace(tmp_path / "workspace").collection("shop")
    bundle = open_bundle(collection, train(config, tmp_path, collection, progress=NoProgress()).bundle_id)
    ranker = bundle.rerankers.feature_ranker
    assert ranker is not None
    items = pq.read_table(tmp_path / "items.parquet")
    records = items.to_pylist()
    columns = bundle.item.featurizer.names
    side = ItemSide(
        bundle.item.embed([{name: record[name] for name in columns} for record in records]),
        *ranker.item_arrays(
            items["item_id"].combine_chunks(),
            ranker.features.item_featurizer.encode([{"price": record["price"]} for record in records]).batch(),
        ),
        np.empty((N_ITEMS, 0), np.int64),
    )
    is_dear_N, nothing = items["price"].to_numpy() > 5, np.empty(0, dtype=np.int64)
    shares = []  # of the pairs of a dear and a cheap item that are in the right order, by query
    for vector_D in bundle.query.embed([{"query_id": f"q{row}"} for row in range(N_QUERIES)]):
        score_N = ranker.score(AskingQuery(vector_D, nothing, nothing), side, np.arange(N_ITEMS))
        shares.append((score_N[is_dear_N][:, None] > score_N[~is_dear_N]).mean())
    assert np.mean(shares) > 0.9
    assert {"rerankers.feature_ranker.ndcg@20", "rerankers.feature_ranker.queries"} <= bundle.manifest.evaluation.keys()
    report = (collection.bundle(bundle.bundle_id) / "report" / "index.html").read_text()
    assert "Much of the click log is unknown.</b> 6% of what was shown names" in report


def test_a_log_that_cannot_be_read_ends_the_run_before_it_begins(config: TrainConfig, tmp_path: Path) -> None:
    write_shop(tmp_path)
    pq.write_table(pa.table({"query_id": ["q0"], "item_id": ["i0"]}), tmp_path / "clicks.parquet")
    collection = Workspace(tmp_path / "workspace").collection("shop")
    with pytest.raises(InvalidTable, match="position"):
        train(config, tmp_path, collection, progress=NoProgress())
    assert not (collection.folder / "training").exists()
