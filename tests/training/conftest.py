"""One whole run on the small shop, shared by the tests of what it leaves behind."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bundle.progress import NoProgress
from bundle.workspace import Collection, Workspace
from tests.training.world import shop_config, write_shop
from training.config import TrainConfig
from training.run import TrainResult, train


@dataclass(frozen=True)
class Trained:
    """A finished run: its tables, settings and result."""

    tables: Path
    config: TrainConfig
    collection: Collection
    result: TrainResult

    @property
    def folder(self) -> Path:
        return self.collection.bundle(self.result.bundle_id)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    tables = write_shop(tmp_path_factory.mktemp("shop"))
    collection = Workspace(tables / "workspace").collection("shop")
    config = shop_config()
    return Trained(tables, config, collection, train(config, tables, collection, progress=NoProgress()))
