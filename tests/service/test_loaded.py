from pathlib import Path

import pytest

from bundle.workspace import Workspace
from index.errors import VersionClosed, VersionNotFound
from index.store import current
from service.loaded import Loaded, load
from tests.service.conftest import settings_for


@pytest.fixture
def loaded(shop_root: Path) -> Loaded:
    collection = Workspace(shop_root).collection("shop")
    return load(collection, str(current(collection)), settings_for(shop_root), None)


def test_the_open_bundle_is_used_again(loaded: Loaded, shop_root: Path) -> None:
    collection = Workspace(shop_root).collection("shop")
    again = load(collection, loaded.index_version, settings_for(shop_root), loaded)
    assert again.bundle is loaded.bundle
    assert again.version is not loaded.version


def test_it_is_idle_only_after_the_last_release(loaded: Loaded) -> None:
    idle: list[Loaded] = []
    loaded.hold()
    loaded.hold()
    loaded.retire(idle.append)
    loaded.release()
    assert idle == []
    loaded.release()
    assert idle == [loaded]


def test_unheld_it_is_idle_at_once(loaded: Loaded) -> None:
    idle: list[Loaded] = []
    loaded.retire(idle.append)
    assert idle == [loaded]


def test_closing_ends_searches(loaded: Loaded) -> None:
    loaded.close()
    with pytest.raises(VersionClosed):
        loaded.version.search([[1.0] * 8], 1)


def test_a_version_that_is_not_there(shop_root: Path) -> None:
    with pytest.raises(VersionNotFound):
        load(Workspace(shop_root).collection("shop"), "none", settings_for(shop_root), None)


@pytest.mark.parametrize("sections", [{"batching": {"inline_us": 0}}, {"reload": {"warm_searches": 0}}])
def test_without_a_measured_speed_or_leave_no_search_is_brief(shop_root: Path, sections: dict[str, object]) -> None:
    collection = Workspace(shop_root).collection("shop")
    loaded = load(collection, str(current(collection)), settings_for(shop_root, **sections), None)
    assert loaded.brief_records == 0


def test_the_event_loop_may_search_for_so_many_as_take_the_time(shop_root: Path) -> None:
    collection = Workspace(shop_root).collection("shop")
    settings = settings_for(shop_root, batching={"inline_us": 1_000_000})
    assert load(collection, str(current(collection)), settings, None).brief_records > 100
