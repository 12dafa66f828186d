"""Vectors that need no embedding, because the same tower read the same content before.

They come from earlier index versions of the same bundle, and from the shards that a killed rebuild left. Whatever is
copied was checked against a hash first and is copied bit for bit. The towers' results depend on which records share a
batch by about 1e-7, so a version that copied may differ by as much from one that embedded everything; the copied
vectors do not change from version to version.

N corpus, M vectors of one source, S shard, D embedding.
"""

import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bundle.errors import RetrievalError
from bundle.files import REMOVING, replace_file
from bundle.workspace import Collection
from index.content import DIGEST_BYTES, DigestArray
from index.manifest import CONTENT_FILE, VECTORS_FILE
from index.store import verify_version

KEPT_SHARDS = ".embedded-"
_ITEM_TOWER = "item"  # of the role whose files lie in the version folder itself
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Vectors [M, D] with the digests [M, 16] of what they were made from."""

    content_M16: DigestArray
    vectors_MD: FloatArray


@dataclass
class KnownVectors:
    """What is known before a catalogue with the digests `content_N16` is embedded by one tower."""

    content_N16: DigestArray
    sources: Sequence[Source] = ()
    shards: Path | None = None
    n_copied: int = 0

    def copy_into(self, vectors_ND: FloatArray) -> IntArray:
        """Copy what is known into its rows, the first source first; return the rows that are left."""
        missing = np.arange(len(self.content_N16))
        for source in self.sources:
            found = pc.index_in(_binary(self.content_N16[missing]), value_set=_binary(source.content_M16))
            is_found = found.is_valid().to_numpy(zero_copy_only=False)
            vectors_ND[missing[is_found]] = source.vectors_MD[found.drop_null().to_numpy()]
            missing = missing[~is_found]
        self.n_copied = len(self.content_N16) - len(missing)
        return missing

    def keep(self, rows_S: IntArray, vectors_SD: FloatArray) -> None:
        """Put an embedded shard on disk, for the next run should this one be killed."""
        if self.shards is not None:
            content = io.BytesIO()
            np.save(content, self.content_N16[rows_S])
            np.save(content, vectors_SD)
            replace_file(self.shards / _name(content.getvalue()), content.getvalue())


@dataclass(frozen=True)
class Reuse:
    """Where a build of one bundle may take vectors from; `unusable` says why a version could not be used."""

    folders: Sequence[Path] = ()
    kept_shards: Path | None = None
    unusable: Sequence[str] = field(default_factory=tuple)

    def known(self, role: Path, content_N16: DigestArray) -> KnownVectors:
        """What is known of the vectors in the folder `role` of a version."""
        sources = [
            Source(*(np.load(folder / role / name, mmap_mode="r") for name in (CONTENT_FILE, VECTORS_FILE)))
            for folder in self.folders
        ]
        if self.kept_shards is None:
            return KnownVectors(content_N16, sources)
        shards = self.kept_shards / (role.name or _ITEM_TOWER)
        return KnownVectors(content_N16, [*sources, *_read_shards(shards)], shards)

    def forget_shards(self) -> None:
        """Remove the shards, which a published version holds now."""
        if self.kept_shards is not None and self.kept_shards.is_dir():
            hidden = self.kept_shards.with_name(f"{REMOVING}{self.kept_shards.name}")  # a rest of it is no shard
            self.kept_shards.rename(hidden)
            shutil.rmtree(hidden)


def find_reuse(collection: Collection, bundle_id: str, versions: Sequence[str]) -> Reuse:
    """The vectors of those of `versions` that are whole and of this bundle, and the shards of killed runs."""
    folders, unusable = [], []
    for version in dict.fromkeys(versions):
        try:
            manifest = verify_version(collection, version)
        except RetrievalError as error:
            unusable.append(error.message)
            continue
        if manifest.bundle_id == bundle_id:
            folders.append(collection.index(version))
    return Reuse(folders, collection.indexes / f"{KEPT_SHARDS}{bundle_id}", unusable)


def _read_shards(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.glob("[0-9a-f]*")):
        content = path.read_bytes()
        if path.name == _name(content):  # a damaged shard is embedded again
            file = io.BytesIO(content)
            yield Source(np.load(file), np.load(file))


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _binary(digests_N16: DigestArray) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(digests_N16))
    return pa.Array.from_buffers(pa.binary(DIGEST_BYTES), len(digests_N16), [None, data])
