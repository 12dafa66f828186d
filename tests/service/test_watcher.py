import shutil
import time
from pathlib import Path

import pytest

from bundle.files import replace_file
from bundle.workspace import Collection, Workspace
from index.store import activate, current
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, flip_byte, wait_until
from tests.service.tiny import build_tiny_index, ids, make_collection, write_tiny_bundle


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=5, prefix="a")
    return collection


def _served(app: LiveApp) -> str:
    return str(app.get("/v1/collections/shop").json()["index_version"])


def test_a_new_version_and_bundle_are_taken_up(collection: Collection, tmp_path: Path) -> None:
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        first = app.get("/v1/collections/shop").json()
        same_bundle = build_tiny_index(collection, tmp_path, ids("b", 5), first["bundle_id"])
        activate(collection, same_bundle)
        wait_until(lambda: _served(app) == same_bundle)
        other = write_tiny_bundle(collection, seed=7, dimension=9)
        activate(collection, build_tiny_index(collection, tmp_path, ids("c", 5), other))
        wait_until(lambda: app.get("/v1/collections/shop").json()["bundle_id"] == other)
        assert app.post("embed", {"records": [{"text": "mug"}]}).json()["dimension"] == 9


@pytest.mark.parametrize(
    "damage",
    [
        "flip index.faiss",
        "flip ids.arrow",
        "flip manifest.json",
        "remove vectors.npy",
        "flip in/index.faiss",
        "remove in/vectors.npy",
    ],
)
def test_a_damaged_version_leaves_the_old_one_serving(collection: Collection, tmp_path: Path, damage: str) -> None:
    old = str(current(collection))
    bundle_id = write_tiny_bundle(collection, queries_are="items", asking="title") if "in/" in damage else None
    bad = build_tiny_index(collection, tmp_path, ids("b", 5), bundle_id)
    what, file = damage.split()
    if what == "flip":
        flip_byte(collection.index(bad) / file)
    else:
        (collection.index(bad) / file).unlink()
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        replace_file(collection.current, f"{bad}\n")  # behind the back of `activate`, which refuses it
        wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is not None)
        shown = app.get("/v1/collections/shop").json()
        assert shown["load_failure"]["index_version"] == shown["active_version"] == bad
        assert file in shown["load_failure"]["detail"]
        assert (shown["index_version"], shown["ready"]) == (old, True)
        assert app.post("search", {"item_ids": ["a-00001"]}).json()["index_version"] == old
        assert app.get("/readyz").status_code == 200
        assert 'tandem_load_failing{collection="shop"} 1.0' in app.get("/metrics").text
        good = build_tiny_index(collection, tmp_path, ids("c", 5))
        activate(collection, good)
        wait_until(lambda: _served(app) == good)
        assert app.get("/v1/collections/shop").json()["load_failure"] is None
        assert 'tandem_load_failing{collection="shop"} 0.0' in app.get("/metrics").text


def test_a_damaged_bundle_leaves_the_old_one_serving(collection: Collection, tmp_path: Path) -> None:
    old = str(current(collection))
    bundle_id = write_tiny_bundle(collection, seed=3)
    bad = build_tiny_index(collection, tmp_path, ids("b", 5), bundle_id)
    flip_byte(collection.bundle(bundle_id) / "query_tower.onnx")
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        activate(collection, bad)
        wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is not None)
        assert "query_tower.onnx" in app.get("/v1/collections/shop").json()["load_failure"]["detail"]
        assert _served(app) == old


def test_a_repaired_version_is_tried_again(collection: Collection, tmp_path: Path) -> None:
    bad = build_tiny_index(collection, tmp_path, ids("b", 5))
    path = collection.index(bad) / "ids.arrow"
    kept = tmp_path / "kept"
    shutil.copy(path, kept)
    flip_byte(path)
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        replace_file(collection.current, f"{bad}\n")
        wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is not None)
        shutil.copy(kept, path)
        wait_until(lambda: _served(app) == bad)


@pytest.mark.parametrize("content", ["", "no-such-version\n", "../../x\n", "\x00", "\udcff"])
def test_a_damaged_pointer_leaves_the_old_one_serving(collection: Collection, tmp_path: Path, content: str) -> None:
    old = str(current(collection))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        collection.current.write_bytes(content.encode("utf-8", errors="surrogateescape"))
        if content:
            wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is not None)
        assert app.post("search", {"item_ids": ["a-00001"]}).json()["index_version"] == old
        replace_file(collection.current, f"{old}\n")
        wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is None)


def test_a_collection_that_appears_is_picked_up(collection: Collection, tmp_path: Path) -> None:
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        assert app.post("search", {"item_ids": ["x"]}, collection="books").status_code == 404
        make_collection(Workspace(tmp_path).collection("books"), tmp_path, count=4, prefix="k")
        wait_until(lambda: app.get("/v1/collections/books").status_code == 200)
        wait_until(lambda: app.get("/readyz").status_code == 200)
        assert app.post("search", {"item_ids": ["k-00001"]}, collection="books").status_code == 200


def test_a_first_version_that_does_not_load_is_not_ready(collection: Collection, tmp_path: Path) -> None:
    flip_byte(collection.index(str(current(collection))) / "index.faiss")
    with LiveApp(settings_for(tmp_path)) as app:
        wait_until(lambda: app.get("/readyz").json()["status"] == "failing")
        assert app.get("/readyz").status_code == 503
        assert "index.faiss" in app.get("/readyz").json()["detail"]
        response = app.post("search", {"item_ids": ["a-00001"]})
        assert (response.status_code, response.json()["code"]) == (503, "not-ready")


def test_a_disk_that_fails_for_a_moment_does_not_end_the_following(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        looks: list[int] = []
        list_collections = Workspace.collections

        def fail(workspace: Workspace) -> list[Collection]:
            if workspace.root != tmp_path:  # another test's application may be running beside this one
                return list_collections(workspace)
            looks.append(1)
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as broken:
            broken.setattr(Workspace, "collections", fail)
            wait_until(lambda: len(looks) >= 3, seconds=5)
        assert app.get("/readyz").status_code == 200
        assert sum("looking for new versions failed" in record.message for record in caplog.records) == 1
        new = build_tiny_index(collection, tmp_path, ids("b", 5))
        activate(collection, new)
        wait_until(lambda: _served(app) == new)


def test_an_unreadable_pointer_is_not_tried_at_every_poll(collection: Collection, tmp_path: Path) -> None:
    slow_retry = {"poll_seconds": 0.02, "retry_seconds": 60}
    with LiveApp(settings_for(tmp_path, reload=slow_retry)) as app:
        app.ready()
        collection.current.write_bytes(b"\xff")
        wait_until(lambda: app.get("/v1/collections/shop").json()["load_failure"] is not None)
        time.sleep(0.2)
        assert 'tandem_load_failures_total{collection="shop"} 1.0' in app.get("/metrics").text
