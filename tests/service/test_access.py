from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.errors import ConfigError
from bundle.workspace import Workspace
from service.access import Access
from service.keys import create_key, revoke_key
from service.settings import SecuritySettings
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, wait_until
from tests.service.tiny import make_collection

SEARCH = {"queries": [{"text": "mug"}]}
ADMIN = "an-admin-key-for-tests"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    for name in ("shop", "books"):
        make_collection(Workspace(root).collection(name), tmp_path_factory.mktemp("tables"), count=5)
    return root


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def shop_key(keys: Path) -> str:
    return create_key(keys, "shop", frozenset({"read"}), frozenset({"shop"}))


@pytest.fixture
def app(root: Path, keys: Path, shop_key: str) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root, security={"keys_file": keys, "admin_key": ADMIN})) as app:
        yield app.ready()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def get(app: LiveApp, path: str, headers: dict[str, str]) -> tuple[int, str]:
    response = app.run(app.client.get(path, headers=headers))
    return response.status_code, response.text


@pytest.mark.parametrize("headers", [{}, bearer("tandem_wrong"), {"authorization": "Basic c2hvcA=="}, {"api-key": "x"}])
def test_without_a_known_key_nothing_is_told(app: LiveApp, headers: dict[str, str]) -> None:
    for path in ("/v1/collections", "/v1/collections/shop", "/metrics", "/no-such-route"):
        assert get(app, path, headers)[0] == 401
    for route in ("search", "embed", "rerank", "semantic-ids", "activate"):
        response = app.post(route, SEARCH, headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, "key-required")
        assert response.headers["www-authenticate"] == "Bearer"


def test_probes_and_documentation_are_open(app: LiveApp) -> None:
    for path in ("/livez", "/readyz", "/health", "/errors", "/docs", "/openapi.json"):
        assert get(app, path, {})[0] == 200


@pytest.mark.parametrize("header", ["authorization", "api-key"])
def test_a_key_opens_its_collection_and_no_other(app: LiveApp, shop_key: str, header: str) -> None:
    headers = bearer(shop_key) if header == "authorization" else {"api-key": shop_key}
    assert app.post("search", SEARCH, headers=headers).status_code == 200
    for collection in ("books", "not-there"):  # whether a foreign collection exists is not told
        response = app.post("search", SEARCH, collection=collection, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "key-not-allowed")
    assert get(app, "/v1/collections/books", headers)[0] == 403
    assert get(app, "/metrics", headers)[0] == 403
    listed = app.run(app.client.get("/v1/collections", headers=headers)).json()["collections"]
    assert [one["collection"] for one in listed] == ["shop"]


def test_changing_what_is_served_needs_the_scope(app: LiveApp, keys: Path, shop_key: str) -> None:
    response = app.post("activate", {"version": "x"}, headers=bearer(shop_key))
    assert (response.status_code, response.json()["code"]) == (403, "key-not-allowed")
    assert "lacks the scope admin" in response.json()["detail"]
    assert app.post("activate", {"version": "x"}, headers=bearer(ADMIN)).status_code == 404


def test_keys_are_added_and_revoked_while_the_server_runs(app: LiveApp, keys: Path, shop_key: str) -> None:
    added = create_key(keys, "second", frozenset({"read"}), None)
    wait_until(lambda: app.post("search", SEARCH, headers=bearer(added)).status_code == 200)
    revoke_key(keys, "shop")
    wait_until(lambda: app.post("search", SEARCH, headers=bearer(shop_key)).status_code == 401)
    assert app.post("search", SEARCH, headers=bearer(added)).status_code == 200


def test_a_damaged_file_leaves_the_keys_as_they_were(
    app: LiveApp, keys: Path, shop_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys.write_text("{")
    wait_until(
        lambda: (
            app.post("search", SEARCH, headers=bearer(shop_key)).status_code == 200
            and "the keys stay as they were" in caplog.text
        )
    )
    keys.unlink()
    assert app.post("search", SEARCH, headers=bearer(shop_key)).status_code == 200


def test_a_server_does_not_start_with_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tandem keys create"):
        Access(SecuritySettings(keys_file=tmp_path / "none.json"))
