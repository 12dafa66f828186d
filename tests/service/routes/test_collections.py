from pathlib import Path

from service.schemas.collections import CollectionInfo, CollectionList
from tests.service.conftest import settings_for
from tests.service.running import LiveApp


def test_collections_tell_what_is_served(shop: LiveApp) -> None:
    listed = CollectionList.model_validate(shop.get("/v1/collections").json())
    info = CollectionInfo.model_validate(shop.get("/v1/collections/shop").json())
    assert listed.collections == [info]
    assert (info.count, info.dimension, info.metric, info.kind, info.index_recall) == (50, 8, "cosine", "flat", 1.0)
    assert [feature["name"] for feature in info.query_features] == ["text"]
    assert "index.faiss" in info.fingerprints
    assert shop.get("/v1/collections/none").json()["code"] == "unknown-collection"


def test_an_empty_workspace_is_ready_and_knows_no_collection(tmp_path: Path) -> None:
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        assert app.get("/v1/collections").json() == {"collections": []}
        assert "there are: none" in app.post("search", {}).json()["detail"]
