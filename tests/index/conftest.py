from pathlib import Path

import pytest

from bundle.workspace import Collection
from index.version import IndexVersion, open_version
from tests.index.shop import build_shop, make_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """A collection that tests only read: its versions are never changed."""
    return make_shop(tmp_path_factory.mktemp("shop"), count=300)


@pytest.fixture(scope="session")
def shop_version(shop: Collection) -> str:
    return build_shop(shop)


@pytest.fixture
def opened(shop: Collection, shop_version: str) -> IndexVersion:
    return open_version(shop, shop_version)


@pytest.fixture
def own_pairs(tmp_path: Path) -> Collection:
    """A collection whose queries are items, that a test may break."""
    return make_shop(tmp_path, queries_are="items")


@pytest.fixture
def own_shop(tmp_path: Path) -> Collection:
    """A collection that a test may break."""
    return make_shop(tmp_path)
