"""What a collection no longer needs: old index versions, what killed jobs left, damaged bundles moved aside.

Nothing is removed that a process on this machine is writing or loading (the locks of bundle/files.py). A version that
serves stays readable to its server after it was removed, because its files are mapped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle.files import REMOVING, TEMPORARY, is_in_use, remove_unused
from bundle.store import DAMAGED
from bundle.workspace import Collection
from index.reuse import KEPT_SHARDS
from index.shadow import shadow_version
from index.store import known_current, list_versions, pointer_lock, previous_versions

LEAST_KEPT = 2
REPORTS_FOLDER = "rebuilds"


@dataclass(frozen=True)
class Garbage:
    """What was removed, or would be; leftovers are paths within the collection."""

    versions: tuple[str, ...]
    leftovers: tuple[str, ...]
    in_use: tuple[str, ...]
    size_bytes: int


def kept_versions(collection: Collection, keep: int) -> list[str]:
    """The active version, then those that were active before it, latest first, then the newest others: `keep` in all.

    The newest version is kept in any case: it may wait to be looked at or activated. So is one that is being tried.
    """
    names = list_versions(collection)
    order = dict.fromkeys([known_current(collection), *reversed(previous_versions(collection)), *reversed(names)])
    kept = [name for name in order if name is not None and name in names][: max(keep, LEAST_KEPT)]
    tried = [name for name in names if name == shadow_version(collection)]
    return list(dict.fromkeys([*kept, *names[-1:], *tried]))


def collect_garbage(collection: Collection, keep: int, *, dry_run: bool = False) -> Garbage:
    """Remove all but `kept_versions`, and what is left of jobs that were killed; with `dry_run` only say so.

    Call it inside `rebuild_lock`, so that no rebuild loses the shards it goes on from. Raises OSError.
    """
    versions, leftovers, in_use, size_bytes = [], [], [], 0
    with pointer_lock(collection):
        kept = kept_versions(collection, keep)
        old = [collection.index(name) for name in list_versions(collection) if name not in kept]
        for path in [*old, *_leftovers(collection, kept)]:
            size = _size(path)
            if not (_is_free(path) if dry_run else _remove(path)):
                in_use.append(path.name)
                continue
            size_bytes += size
            if path in old:
                versions.append(path.name)
            else:
                leftovers.append(path.relative_to(collection.folder).as_posix())
    return Garbage(tuple(versions), tuple(leftovers), tuple(in_use), size_bytes)


def _leftovers(collection: Collection, kept: Sequence[str]) -> Iterator[Path]:
    """Temporary files and folders, moved-aside bundles, shards older than a version, reports of removed versions."""
    hidden = (TEMPORARY, REMOVING, DAMAGED)
    reports = _entries(collection.folder / REPORTS_FOLDER)
    for folder in (collection.folder, collection.bundles, collection.indexes, *reports):
        yield from (path for path in _entries(folder) if path.name.startswith(hidden))
    names = list_versions(collection)
    newest_s = collection.index(names[-1]).stat().st_mtime if names else 0.0
    for path in _entries(collection.indexes):
        if path.name.startswith(KEPT_SHARDS) and path.stat().st_mtime < newest_s:
            yield path
    yield from (path for path in reports if path.name not in kept)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_free(path: Path) -> bool:
    return not path.is_dir() or not is_in_use(path)


def _remove(path: Path) -> bool:
    if path.is_dir():
        return remove_unused(path)
    path.unlink()
    return True


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
