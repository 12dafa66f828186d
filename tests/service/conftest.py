from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.workspace import Workspace
from service.settings import Settings
from tests.service.running import LiveApp
from tests.service.tiny import make_collection

SMALL_LIMITS = {
    "max_batch": 16,
    "max_k": 100,
    "max_body_bytes": 100_000,
    "max_rerank_items": 20,
    "max_list": 100,
    "max_depth": 200,
    "max_hits": 1000,
}


@pytest.fixture(scope="session")
def shop_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the collection `shop` of 50 items; not to be changed."""
    root = tmp_path_factory.mktemp("workspace")
    make_collection(Workspace(root).collection("shop"), tmp_path_factory.mktemp("tables"))
    return root


@pytest.fixture(scope="session")
def shop(shop_root: Path) -> Iterator[LiveApp]:
    """An application that serves `shop`, with small limits; not to be changed."""
    with LiveApp(settings_for(shop_root, limits=SMALL_LIMITS)) as app:
        yield app.ready()


def settings_for(root: Path, **sections: object) -> Settings:
    """Quick settings over `root`, with whole sections replaced."""
    defaults = {
        "reload": {"poll_seconds": 0.05, "retry_seconds": 0.2},
        "logs": {"requests": False},
        "server": {"port": 0},
    }
    return Settings.model_validate({"workspace": root, **defaults, **sections})
