"""Keys at the routes of other services: the same rules, and nothing is told of what a key does not open."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bundle.workspace import Workspace
from service.keys import create_key
from tests.service.conftest import settings_for
from tests.service.routes.compat.conftest import call
from tests.service.running import LiveApp
from tests.service.tiny import make_collection

BODIES: dict[str, dict[str, object]] = {
    "/v1/embeddings": {"model": "books", "input": "mug"},
    "/v1/rerank": {"model": "books", "query": "mug", "documents": ["mug"]},
}


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def shop_key(keys_file: Path) -> dict[str, str]:
    """The header of a key for `shop` alone."""
    return {"authorization": "Bearer " + create_key(keys_file, "shop", frozenset({"read"}), frozenset({"shop"}))}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, keys_file: Path, shop_key: dict[str, str]) -> Iterator[LiveApp]:
    """An application with the collections `books` and `shop`, which needs keys."""
    root = tmp_path_factory.mktemp("workspace")
    for name in ("books", "shop"):
        make_collection(Workspace(root).collection(name), keys_file.parent, count=5)
    with LiveApp(settings_for(root, security={"keys_file": keys_file})) as app:
        yield app.ready()


def test_without_a_key_every_route_refuses_in_its_own_shape(app: LiveApp) -> None:
    nested = call(app, "/v1/embeddings", BODIES["/v1/embeddings"])
    assert (nested.status_code, nested.json()["error"]["code"]) == (401, "invalid_api_key")
    assert nested.headers["www-authenticate"] == "Bearer"
    assert set(call(app, "/v1/rerank", BODIES["/v1/rerank"]).json()) == {"id", "message", "detail", "code"}
    for path in ("/embed", "/", "/rerank"):
        response = call(app, path, {"inputs": "mug"})
        assert (response.status_code, set(response.json())) == (401, {"error", "error_type"})
    for path in ("/v1/models", "/v1/models/shop", "/info"):
        assert app.get(path).status_code == 401


def test_a_key_sees_its_own_collections_alone(app: LiveApp, shop_key: dict[str, str]) -> None:
    def get(path: str) -> httpx.Response:
        return app.run(app.client.get(path, headers=shop_key))

    assert [model["id"] for model in get("/v1/models").json()["data"]] == ["shop", "shop/item"]
    unknown = [get(f"/v1/models/{name}") for name in ("books", "nowhere")]
    assert [response.status_code for response in unknown] == [403, 403]
    for path, body in BODIES.items():
        refused = call(app, path, body, headers=shop_key)
        assert refused.status_code == 403
        assert call(app, path, body | {"model": "shop"}, headers=shop_key).status_code == 200
    assert "books" not in call(app, "/v1/embeddings", {"model": "shop/x", "input": "a"}, headers=shop_key).text


def test_the_one_collection_of_a_key_is_its_default(app: LiveApp, shop_key: dict[str, str]) -> None:
    assert len(call(app, "/embed", {"inputs": "mug"}, headers=shop_key).json()) == 1
    answer = call(app, "/v1/rerank", {"query": "mug", "documents": ["mug"]}, headers=shop_key).json()
    assert answer["model"] == "shop"
    info = app.run(app.client.get("/info", headers=shop_key)).json()
    assert info["model_id"] == "shop"
