from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.workspace import Workspace
from client import Client
from tests.service.conftest import settings_for
from tests.service.running import listening
from tests.service.tiny import make_collection

ADMIN_KEY = "an admin key of the tests"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the collection `shop` of 50 items; each module has its own, so that it may activate."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    make_collection(workspace.collection("shop"), tmp_path_factory.mktemp("tables"))
    return workspace


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    """A server that listens and serves `shop`."""
    with listening(settings_for(Path(workspace.root), security={"admin_key": ADMIN_KEY})) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    with Client(url, api_key=ADMIN_KEY) as client:
        yield client
