from pathlib import Path

import pytest

from bundle.workspace import Collection
from index.errors import AlreadyActive, VersionCorrupt, VersionNotFound
from index.garbage import collect_garbage
from index.shadow import Shadow, read_shadow, shadow_path, shadow_version
from index.store import activate, end_shadow, list_versions, rollback, start_shadow
from tests.index.shop import build_shop


@pytest.fixture
def versions(own_shop: Collection) -> list[str]:
    versions = [build_shop(own_shop) for _ in range(2)]
    activate(own_shop, versions[0])
    return versions


def test_a_trial_is_read_as_it_was_started_and_another_takes_its_place(
    own_shop: Collection, versions: list[str]
) -> None:
    assert read_shadow(own_shop) is None
    first = start_shadow(own_shop, versions[1], 0.5)
    assert read_shadow(own_shop) == first
    assert (first.version, first.share) == (versions[1], 0.5)
    third = build_shop(own_shop)
    second = start_shadow(own_shop, third, 1)
    assert read_shadow(own_shop) == second != first
    end_shadow(own_shop)
    end_shadow(own_shop)
    assert read_shadow(own_shop) is None


def test_only_a_whole_version_that_is_not_active_is_tried(own_shop: Collection, versions: list[str]) -> None:
    with pytest.raises(AlreadyActive, match="another version"):
        start_shadow(own_shop, versions[0], 0.1)
    with pytest.raises(VersionNotFound):
        start_shadow(own_shop, "none", 0.1)
    (own_shop.index(versions[1]) / "index.faiss").unlink()
    with pytest.raises(VersionCorrupt, match=r"index\.faiss"):
        start_shadow(own_shop, versions[1], 0.1)
    assert read_shadow(own_shop) is None


def test_a_version_that_becomes_active_is_tried_no_more(own_shop: Collection, versions: list[str]) -> None:
    old, new = versions
    start_shadow(own_shop, new, 0.1)
    activate(own_shop, new)
    assert read_shadow(own_shop) is None
    start_shadow(own_shop, old, 0.1)
    third = build_shop(own_shop)
    activate(own_shop, third)  # another one: the trial goes on beside it
    assert shadow_version(own_shop) == old
    assert rollback(own_shop) == new
    assert shadow_version(own_shop) == old
    assert rollback(own_shop) == old
    assert read_shadow(own_shop) is None


def test_a_version_that_is_tried_is_no_garbage(own_shop: Collection, versions: list[str]) -> None:
    tried = versions[1]
    start_shadow(own_shop, tried, 0.1)
    for _ in range(2):
        activate(own_shop, build_shop(own_shop))
    collect_garbage(own_shop, 2)
    assert tried in list_versions(own_shop)
    end_shadow(own_shop)
    assert collect_garbage(own_shop, 2).versions == (tried,)


@pytest.mark.parametrize("content", ["", "{", '{"version": "x", "share": 2, "started_at": ""}', "\udcff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    collection = Collection("shop", tmp_path)
    shadow_path(collection).write_bytes(content.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(VersionCorrupt, match="SHADOW"):
        read_shadow(collection)
    assert shadow_version(collection) is None


def test_a_share_is_a_share() -> None:
    for share in (0, 1.1):
        with pytest.raises(ValueError, match="share"):
            Shadow(version="x", share=share, started_at="now")
