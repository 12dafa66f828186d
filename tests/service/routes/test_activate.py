from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from index.store import current
from service.schemas.collections import ActivateAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, flip_byte
from tests.service.tiny import build_tiny_index, ids, make_collection

KEY = "an-admin-key-for-tests"
SIGNED = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=5, prefix="a")
    return collection


def _app(collection: Collection, poll_seconds: float = 60) -> LiveApp:
    reload = {"poll_seconds": poll_seconds, "activate_timeout_s": 20}
    root = collection.folder.parents[1]
    return LiveApp(settings_for(root, security={"admin_key": KEY}, reload=reload))


def test_the_answer_comes_when_the_version_is_served(collection: Collection, tmp_path: Path) -> None:
    old = current(collection)
    new = build_tiny_index(collection, tmp_path, ids("b", 5))
    with _app(collection) as app:
        app.ready()
        response = app.post("activate", {"version": new}, headers=SIGNED)
        assert response.status_code == 200, response.text
        answer = ActivateAnswer.model_validate(response.json())
        assert (answer.index_version, answer.previous_version) == (new, old)
        hits = app.post("search", {"queries": [{"text": "mug"}]}).json()["results"][0]["hits"]
        assert all(hit["item_id"].startswith("b-") for hit in hits)
        again = app.post("activate", {"version": new}, headers=SIGNED)
        assert again.json()["previous_version"] == new


def test_only_with_the_key(collection: Collection) -> None:
    version = str(current(collection))
    with _app(collection) as app:
        app.ready()
        for headers in ({}, {"authorization": KEY}, {"authorization": f"Bearer {KEY}x"}):
            response = app.post("activate", {"version": version}, headers=headers)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


def test_without_a_configured_key_it_says_how_to_enable_it(shop: LiveApp) -> None:
    response = shop.post("activate", {"version": "x"})
    assert response.status_code == 403
    assert "TANDEM_SECURITY__ADMIN_KEY" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"version": "nope"}, 404), ({"version": "../../etc"}, 422), ({}, 422), ({"version": 3}, 422)],
)
def test_bad_versions(collection: Collection, body: dict[str, object], status: int) -> None:
    with _app(collection) as app:
        app.ready()
        assert app.post("activate", body, headers=SIGNED).status_code == status


def test_a_damaged_version_is_refused_by_name_and_the_old_one_serves(collection: Collection, tmp_path: Path) -> None:
    old = current(collection)
    new = build_tiny_index(collection, tmp_path, ids("b", 5))
    flip_byte(collection.index(new) / "index.faiss")
    with _app(collection) as app:
        app.ready()
        response = app.post("activate", {"version": new}, headers=SIGNED)
        assert response.status_code == 503
        assert "index.faiss" in response.json()["detail"]
        assert app.post("search", {"item_ids": ["a-00001"]}).json()["index_version"] == old
    assert current(collection) == old
