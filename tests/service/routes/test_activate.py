from pathlib import Path

import pytest

from bundle.files import replace_file
from bundle.workspace import Collection, Workspace
from index.store import current
from service.schemas.collections import ActivateAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, flip_byte, wait_until
from tests.service.tiny import build_tiny_index, ids, make_collection

KEY = "an-admin-key-for-tests"
SIGNED = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=5, prefix="a")
    return collection


def _app(collection: Collection, poll_seconds: float = 60, timeout_s: float = 20) -> LiveApp:
    reload = {"poll_seconds": poll_seconds, "activate_timeout_s": timeout_s}
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


def test_going_back_to_the_served_version_supersedes_the_one_asked_for(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = current(collection)
    new = build_tiny_index(collection, tmp_path, ids("b", 5))

    def then_back(folder: Collection) -> str | None:
        active = current(folder)
        if active == new:  # another caller comes before the watcher looks, so the slot never changes
            replace_file(folder.current, f"{old}\n")
        return active

    monkeypatch.setattr("service.routes.activate.current", then_back)
    monkeypatch.setattr("service.watcher.Watcher.look_now", lambda *_, **__: None)
    with _app(collection, timeout_s=3) as app:
        app.ready()
        response = app.post("activate", {"version": new}, headers=SIGNED)
        assert (response.status_code, response.json()["code"]) == (409, "activation-superseded")


def test_a_swap_while_the_pointer_is_read_is_not_missed(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 5))
    with _app(collection, timeout_s=3) as app:
        app.ready()
        slot = app.app.state.serving.slots.get("shop")

        def read_slowly(folder: Collection) -> str | None:
            if (active := current(folder)) == new:
                wait_until(lambda: slot.loaded.index_version == new)
            return active

        monkeypatch.setattr("service.routes.activate.current", read_slowly)
        response = app.post("activate", {"version": new}, headers=SIGNED)
        assert (response.status_code, response.json().get("index_version")) == (200, new)
