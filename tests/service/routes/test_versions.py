from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from index.store import current, read_version
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import build_tiny_index, ids, make_collection


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=5, prefix="a")
    return collection


def test_every_version_is_listed_newest_first_with_what_it_measured(collection: Collection, tmp_path: Path) -> None:
    old, new = current(collection), build_tiny_index(collection, tmp_path, ids("b", 7))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        listed = app.get("/v1/collections/shop/versions").json()["versions"]
    assert [one["index_version"] for one in listed] == [new, old]
    assert [(one["is_active"], one["is_served"]) for one in listed] == [(False, False), (True, True)]
    manifest = read_version(collection, new)
    assert listed[0]["count"] == 7
    assert listed[0]["kind"] == manifest.kind.kind
    assert listed[0]["index_recall"] == manifest.recall.recall


def test_a_version_whose_manifest_is_torn_is_shown_with_its_fault(collection: Collection, tmp_path: Path) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 7))
    (collection.index(new) / "manifest.json").write_text("{")
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        torn, whole = app.get("/v1/collections/shop/versions").json()["versions"]
    assert "is not JSON" in torn["fault"]
    assert whole["fault"] is None


def test_an_unknown_collection_is_a_404(shop: LiveApp) -> None:
    response = shop.get("/v1/collections/nope/versions")
    assert (response.status_code, response.json()["code"]) == (404, "unknown-collection")
