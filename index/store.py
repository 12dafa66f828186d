"""Index versions of a collection: which there are, which is active, and how to go back.

CURRENT names the active version. PREVIOUS holds the versions that were active before it, the latest last: `activate`
pushes the version it replaces, `rollback` pops. So two rollbacks go two activations back, and a rollback is undone by
activating a version by name. PREVIOUS is written before a push and after a pop; what a crash leaves in between differs
from the finished state only by CURRENT standing at the end of PREVIOUS, which reading drops. SHADOW (index/shadow.py)
names the version that is tried on real searches; a version that is activated is tried no more.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle.errors import BundleNotFound
from bundle.files import published_folders, replace_file, verify_files
from bundle.workspace import Collection
from index.errors import AlreadyActive, NoEarlierVersion, VersionCorrupt, VersionNotFound
from index.manifest import IndexManifest, read_index_manifest
from index.shadow import Shadow, remove_shadow, shadow_version, write_shadow

KEPT_PREVIOUS = 100


def list_versions(collection: Collection) -> list[str]:
    """Names of the finished index versions, oldest first; versions still being built are left out."""
    return [folder.name for folder in published_folders(collection.indexes)]


def read_version(collection: Collection, version: str) -> IndexManifest:
    """The manifest of a version, without its other files being checked.

    Raises VersionNotFound, VersionCorrupt, VersionFormatUnsupported or InvalidName.
    """
    folder = collection.index(version)
    if not folder.is_dir():
        known = list_versions(collection)
        listed = f"; the latest are {', '.join(known[-3:])}" if known else "; build one first"
        raise VersionNotFound(
            f"collection '{collection.name}' has no index version '{version}'{listed}", version=version
        )
    return read_index_manifest(folder)


def verify_version(collection: Collection, version: str) -> IndexManifest:
    """The manifest of a version whose every file has the bytes that were written.

    Raises VersionNotFound, VersionFormatUnsupported, InvalidName, or VersionCorrupt naming the file.
    """
    manifest = read_version(collection, version)
    verify_files(collection.index(version), manifest.files, VersionCorrupt)
    return manifest


def current(collection: Collection) -> str | None:
    """The active index version, or None when none was activated yet."""
    try:
        return collection.current.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def activate(collection: Collection, version: str) -> None:
    """Make `version` the active one in one step, after checking every file of it.

    Raises VersionNotFound, VersionCorrupt, VersionFormatUnsupported, InvalidName or BundleNotFound; the active version
    then stays active.
    """
    _check_servable(collection, version)
    with pointer_lock(collection):
        read_version(collection, version)  # it may have been removed while it was checked
        before, previous = known_current(collection), previous_versions(collection)
        if before == version:
            return
        if before is not None:
            _write_previous(collection, [*previous, before])
        _make_current(collection, version)


def rollback(collection: Collection) -> str:
    """Make the version active that was active before the current one, and return its name.

    Versions that were deleted since are passed over. Raises NoEarlierVersion, VersionCorrupt, VersionFormatUnsupported
    or BundleNotFound; the active version then stays active.
    """
    with pointer_lock(collection):
        kept = previous_versions(collection)
        if not kept:
            raise NoEarlierVersion(
                f"collection '{collection.name}' has no earlier index version to roll back to; activate one by name"
            )
        version = kept[-1]
        _check_servable(collection, version)
        _make_current(collection, version)
        _write_previous(collection, kept[:-1])
    return version


def start_shadow(collection: Collection, version: str, share: float) -> Shadow:
    """Have servers repeat `share` of the search requests on `version` beside the active one, and return the trial.

    Every file of it is checked first; another trial under way ends. Raises AlreadyActive, VersionNotFound,
    VersionCorrupt, VersionFormatUnsupported, InvalidName or BundleNotFound.
    """
    _check_servable(collection, version)
    with pointer_lock(collection):
        read_version(collection, version)  # it may have been removed while it was checked
        if known_current(collection) == version:
            raise AlreadyActive(
                f"index version '{version}' is the active one; a trial compares another version with it",
                version=version,
            )
        return write_shadow(collection, version, share)


def end_shadow(collection: Collection) -> None:
    """End the trial of a candidate, if there is one."""
    with pointer_lock(collection):
        remove_shadow(collection)


def known_current(collection: Collection) -> str | None:
    """The active version, or None where CURRENT is damaged or names a version that is gone."""
    try:
        version = current(collection)
    except ValueError:
        return None
    return version if version in list_versions(collection) else None


def _make_current(collection: Collection, version: str) -> None:
    replace_file(collection.current, f"{version}\n")
    if shadow_version(collection) == version:
        remove_shadow(collection)


def _check_servable(collection: Collection, version: str) -> None:
    bundle_id = verify_version(collection, version).bundle_id
    if not collection.bundle(bundle_id).is_dir():
        raise BundleNotFound(
            f"index version '{version}' was embedded by bundle '{bundle_id}', which collection '{collection.name}' "
            "no longer has; restore the bundle or build the index with another",
            bundle_id=bundle_id,
        )


def _previous_path(collection: Collection) -> Path:
    return collection.folder / "PREVIOUS"


def previous_versions(collection: Collection) -> list[str]:
    """The versions that were active before and are still there, the latest last."""
    path = _previous_path(collection)
    names = path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []
    known, active = set(list_versions(collection)), known_current(collection)
    names = [name for name in names if name in known]
    while names and names[-1] == active:
        names.pop()
    return names


def _write_previous(collection: Collection, names: list[str]) -> None:
    replace_file(_previous_path(collection), "".join(f"{name}\n" for name in names[-KEPT_PREVIOUS:]))


@contextmanager
def pointer_lock(collection: Collection) -> Iterator[None]:
    """Let one process at a time move the pointers; the lock ends with the process, however it ends."""
    descriptor = os.open(collection.folder / ".activate.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
