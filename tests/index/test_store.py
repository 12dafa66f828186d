import fcntl
import os
import shutil
import threading
from pathlib import Path

import pytest

from bundle.errors import BundleNotFound, InvalidName
from bundle.files import MANIFEST
from bundle.workspace import Collection
from index.errors import NoEarlierVersion, VersionCorrupt, VersionFormatUnsupported, VersionNotFound
from index.manifest import FORMAT_VERSION, write_manifest
from index.store import activate, current, list_versions, read_version, rollback, verify_version
from tests.index.shop import build_shop, make_shop

FILES = (
    "index.faiss",
    "ids.arrow",
    "attributes.arrow",
    "semantic_ids.arrow",
    "vectors.npy",
    "report/index.html",
    MANIFEST,
)


IN_ROLE_FILES = ("in/index.faiss", "in/vectors.npy")


@pytest.fixture
def versions(own_shop: Collection) -> list[str]:
    return [build_shop(own_shop) for _ in range(3)]


def test_versions_are_listed_oldest_first_without_unfinished_ones(own_shop: Collection, versions: list[str]) -> None:
    (own_shop.indexes / ".writing-abc").mkdir()
    assert list_versions(own_shop) == versions == sorted(versions)


def test_nothing_is_active_before_the_first_activation(own_shop: Collection, versions: list[str]) -> None:
    assert current(own_shop) is None
    with pytest.raises(NoEarlierVersion):
        rollback(own_shop)
    activate(own_shop, versions[0])
    assert current(own_shop) == versions[0]
    with pytest.raises(NoEarlierVersion, match="activate one by name"):
        rollback(own_shop)
    assert current(own_shop) == versions[0]


def test_rollbacks_walk_back_through_the_activations(own_shop: Collection, versions: list[str]) -> None:
    a, b, c = versions
    for version in (a, b, a, a, c):
        activate(own_shop, version)
    assert [rollback(own_shop), rollback(own_shop), rollback(own_shop)] == [a, b, a]
    with pytest.raises(NoEarlierVersion):
        rollback(own_shop)
    activate(own_shop, c)
    assert (rollback(own_shop), current(own_shop)) == (a, a)


def test_a_rollback_passes_over_deleted_versions(own_shop: Collection, versions: list[str]) -> None:
    a, b, c = versions
    for version in (a, b, c):
        activate(own_shop, version)
    shutil.rmtree(own_shop.index(b))
    assert rollback(own_shop) == a


@pytest.mark.parametrize("crash_in", ["activate", "rollback"])
def test_a_crash_between_the_two_pointer_files_is_as_if_it_were_done(
    own_shop: Collection, versions: list[str], crash_in: str
) -> None:
    a, b, c = versions
    for version in (a, b, c):
        activate(own_shop, version)
    previous = own_shop.folder / "PREVIOUS"
    if crash_in == "activate":  # the push of c is written, CURRENT is not
        previous.write_text(f"{a}\n{b}\n{c}\n")
    else:  # CURRENT already went back to b, the pop is not written
        own_shop.current.write_text(f"{b}\n")
    assert rollback(own_shop) == (b if crash_in == "activate" else a)


def test_a_version_that_is_not_there_is_named_and_changes_nothing(own_shop: Collection, versions: list[str]) -> None:
    activate(own_shop, versions[0])
    with pytest.raises(VersionNotFound, match=rf"no index version 'v9'; the latest are .*{versions[2]}"):
        activate(own_shop, "v9")
    for name in ("../shop", "", "a/b"):
        with pytest.raises(InvalidName):
            activate(own_shop, name)
    assert current(own_shop) == versions[0]


@pytest.mark.parametrize("name", FILES + IN_ROLE_FILES)
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_file_is_refused_by_name_and_the_active_version_stays(tmp_path: Path, name: str, damage: str) -> None:
    own_shop = make_shop(tmp_path, queries_are="items" if name in IN_ROLE_FILES else "queries")
    good, bad = build_shop(own_shop), build_shop(own_shop)
    activate(own_shop, good)
    path = own_shop.index(bad) / name
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    for act in (verify_version, activate):
        with pytest.raises(VersionCorrupt, match=Path(name).name) as caught:
            act(own_shop, bad)
        assert caught.value.context["file"] == name
    assert current(own_shop) == good
    verify_version(own_shop, good)


def test_any_flipped_bit_of_a_manifest_is_noticed(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    path = own_shop.index(version) / MANIFEST
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        with pytest.raises(VersionCorrupt, match=MANIFEST):
            read_version(own_shop, version)


def test_a_file_too_many_and_a_renamed_folder_are_refused(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    for extra in (own_shop.index(version) / "extra.bin", own_shop.index(version) / "in" / "vectors.npy"):
        extra.parent.mkdir(exist_ok=True)
        extra.write_bytes(b"x")
        with pytest.raises(VersionCorrupt, match=extra.name):
            verify_version(own_shop, version)
        extra.unlink()
    shutil.copytree(own_shop.index(version), own_shop.index("copy"))
    with pytest.raises(VersionCorrupt, match=MANIFEST):
        verify_version(own_shop, "copy")


def test_another_format_version_is_told_apart_from_damage(own_shop: Collection) -> None:
    folder = own_shop.index(build_shop(own_shop))
    later = read_version(own_shop, folder.name).model_copy(update={"format_version": FORMAT_VERSION + 1})
    version = write_manifest(folder, later, "later")
    folder.rename(own_shop.index(version))
    with pytest.raises(VersionFormatUnsupported, match=rf"format {FORMAT_VERSION + 1}.*reads {FORMAT_VERSION}"):
        read_version(own_shop, version)


def test_a_version_whose_bundle_is_gone_is_not_activated(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    shutil.rmtree(own_shop.bundle(read_version(own_shop, version).bundle_id))
    with pytest.raises(BundleNotFound, match=version):
        activate(own_shop, version)
    assert current(own_shop) is None


def test_pointers_are_moved_by_one_process_at_a_time(own_shop: Collection, versions: list[str]) -> None:
    descriptor = os.open(own_shop.folder / ".activate.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    waiting = threading.Thread(target=activate, args=(own_shop, versions[0]))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert current(own_shop) is None
    os.close(descriptor)
    waiting.join()
    assert current(own_shop) == versions[0]
