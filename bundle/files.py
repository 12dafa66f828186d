"""Folders that are either whole or refused: hashes, atomic publication, atomic pointers.

Writing: a temporary sibling folder, fsync of every file and folder, one rename, fsync of the parent. A reader therefore
sees either nothing or everything, also after a power cut. A temporary folder is locked as long as its writer lives, so
that what a killed one left can be told from what is being written. Opening: every file must have the size and sha256 of
the manifest, and no other file may lie there.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, Field, ValidationError

from bundle.config import Config
from bundle.errors import BundleCorrupt, RetrievalError

MANIFEST = "manifest.json"
TEMPORARY = ".writing-"
REMOVING = ".removing-"
ModelT = TypeVar("ModelT", bound=BaseModel)


class FileState(NamedTuple):
    """Tells one content of a file from the next without reading it."""

    inode: int
    modified_ns: int
    size_bytes: int


class FileEntry(Config):
    """What a manifest knows of one file."""

    sha256: str = Field(description="Hexadecimal SHA-256 of the file's bytes.")
    size_bytes: int = Field(ge=0, description="Size in bytes.")


def file_entries(folder: Path) -> dict[str, FileEntry]:
    """Hash every file below `folder` but the manifest; keys are relative POSIX paths in sorted order."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return {
        name: FileEntry(sha256=_sha256(folder / name), size_bytes=(folder / name).stat().st_size)
        for name in names
        if name != MANIFEST
    }


def verify_files(folder: Path, entries: Mapping[str, FileEntry], error: type[RetrievalError] = BundleCorrupt) -> None:
    """Raise `error`, naming the file, unless `folder` holds exactly `entries` byte for byte."""
    for name, entry in entries.items():
        path = folder / name
        if not path.is_file():
            raise error(f"{path} is missing; restore the folder or build it again", file=name)
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise error(f"{path} has {size} bytes, its manifest says {entry.size_bytes}; restore it", file=name)
        if _sha256(path) != entry.sha256:
            raise error(f"{path} does not have the SHA-256 of its manifest; restore or rebuild it", file=name)
    known = {*entries, MANIFEST}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known:
            raise error(f"{path} is not in the manifest; remove it", file=name)


def read_manifest(folder: Path, model: type[ModelT], error: type[RetrievalError] = BundleCorrupt) -> ModelT:
    """Read `folder`'s manifest as `model`; raise `error` when it is missing, torn or of another shape."""
    path = folder / MANIFEST
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise error(f"cannot read {path}: {problem.strerror}", file=MANIFEST) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise error(f"{path} is damaged at {where}: {first['msg']}", file=MANIFEST) from problem


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Yield a temporary folder below `parent`; whatever was not published when the block ends is removed."""
    parent.mkdir(parents=True, exist_ok=True)
    temporary, lock = _locked_folder(parent)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        if folder.is_dir():  # nobody took it for a leftover before it was locked
            return folder, lock
        os.close(lock)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Keep `remove_unused` away from a folder that is being read; it need not exist."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def is_in_use(folder: Path) -> bool:
    """Whether some process writes or reads `folder` inside `staging_folder` or `in_use`."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def remove_unused(folder: Path) -> bool:
    """Remove a folder unless it is in use, and return whether it is gone; a crash on the way leaves a hidden rest."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden = folder
        if not folder.name.startswith("."):
            hidden = folder.with_name(f"{REMOVING}{folder.name}")
            folder.rename(hidden)
        shutil.rmtree(hidden)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def publish_folder(staging: Path, final: Path) -> None:
    """Make a staging folder `final` in one step, flushed to disk before and after the rename.

    Raises FileExistsError when `final` exists already.
    """
    if final.exists():
        raise FileExistsError(f"{final} exists already")
    staging.chmod(0o755)
    _sync_tree(staging)
    staging.rename(final)
    fsync(final.parent)


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `final` in one step when the block ends well.

    When the block fails nothing is left behind. Raises FileExistsError when `final` exists already.
    """
    if final.exists():
        raise FileExistsError(f"{final} exists already")
    with staging_folder(final.parent) as staging:
        yield staging
        publish_folder(staging, final)


def published_folders(parent: Path) -> list[Path]:
    """The finished folders below `parent`, by name; folders still being written are left out."""
    if not parent.is_dir():
        return []
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def replace_file(path: Path, content: str | bytes) -> None:
    """Give `path` this content in one step, on disk: a reader sees the old bytes or the new, never a part.

    Raises OSError that names `path`; the old content then stays and nothing else is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = error.filename or str(path)
        raise
    fsync(path.parent)


def file_state(path: Path) -> FileState | None:
    """What changes when a file does; None while there is none that can be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return FileState(found.st_ino, found.st_mtime_ns, found.st_size)


def fsync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for directory, _, names in os.walk(folder, topdown=False):
        for name in names:
            fsync(Path(directory) / name)
        fsync(Path(directory))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
