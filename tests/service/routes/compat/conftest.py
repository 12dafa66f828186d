from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from bundle.workspace import Workspace
from index.store import activate
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, listening
from tests.service.tiny import build_tiny_index, ids, write_tiny_bundle

WIDTHS = (8, 4)


@pytest.fixture(scope="session")
def shelf_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the one collection `shelf`, whose embeddings may be cut to 4 numbers."""
    root = tmp_path_factory.mktemp("shelf")
    collection = Workspace(root).collection("shelf")
    bundle_id = write_tiny_bundle(collection, widths=WIDTHS)
    activate(collection, build_tiny_index(collection, tmp_path_factory.mktemp("tables"), ids("s", 20), bundle_id))
    return root


@pytest.fixture(scope="session")
def peer_url(shelf_root: Path) -> Iterator[str]:
    """A server that listens and serves `shelf`."""
    with listening(settings_for(shelf_root, limits={"max_batch": 16, "max_body_bytes": 100_000})) as url:
        yield url


def native(url: str, route: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the native route of `shelf` answers."""
    answer: dict[str, Any] = httpx.post(f"{url}/v1/collections/shelf/{route}", json=body).json()
    return answer


def embedded(url: str, texts: list[str], tower: str = "query") -> np.ndarray:
    """What the native embed route answers for texts."""
    feature = "text" if tower == "query" else "title"
    answer = native(url, "embed", {"tower": tower, "records": [{feature: text} for text in texts]})
    return np.array(answer["embeddings"], dtype=np.float32)


def call(app: LiveApp, path: str, body: object = None, **options: Any) -> httpx.Response:
    """POST to a route outside the collections."""
    if "content" not in options:
        options["json"] = body
    return app.run(app.client.post(path, **options))
