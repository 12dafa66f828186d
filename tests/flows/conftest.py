"""One small run of the whole path on the first purchases of the example, shared by the three flow tests."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bundle.config import load_config
from bundle.progress import NoProgress
from bundle.workspace import Collection, Workspace
from training.config import TrainConfig
from training.run import TrainResult, train

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"
N_CUSTOMERS = 400
SMALLER = ("trainer.epochs=2", "dimension=16", "quantizer.codebook_size=16", "trainer.refit=none")


@dataclass(frozen=True)
class Trained:
    """A finished training run: where its tables lie, its settings, what it gave."""

    tables: Path
    config: TrainConfig
    workspace: Workspace
    collection: Collection
    result: TrainResult


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("flow")
    tables = root / "tables"
    tables.mkdir()
    for name in ("items.parquet", "relations.parquet", "train.toml"):
        shutil.copy(EXAMPLE / name, tables)
    queries = pq.read_table(EXAMPLE / "queries.parquet").slice(0, N_CUSTOMERS)
    pq.write_table(queries, tables / "queries.parquet")
    interactions = pq.read_table(EXAMPLE / "interactions.parquet")
    kept = interactions.filter(pc.is_in(interactions["query_id"], queries["query_id"].combine_chunks()))
    pq.write_table(kept, tables / "interactions.parquet")
    config = load_config(TrainConfig, tables / "train.toml", SMALLER)
    workspace = Workspace(root / "workspace")
    collection = workspace.collection(config.collection)
    result = train(config, tables, collection, progress=NoProgress())
    return Trained(tables, config, workspace, collection, result)
