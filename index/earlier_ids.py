"""The semantic IDs of the version that a build continues. N corpus."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bundle.errors import ConfigError
from bundle.semantic_id import SemanticIdSpace
from bundle.workspace import Collection
from index.arrow_file import open_arrow
from index.errors import VersionCorrupt, VersionFormatUnsupported, VersionNotFound
from index.manifest import IDS_FILE, SEMANTIC_IDS_FILE, IndexManifest
from index.resolution import EarlierIds
from index.store import known_current, verify_version


@dataclass(frozen=True)
class Continued:
    """The earlier semantic IDs, or why there are none."""

    ids: EarlierIds | None
    reason: str | None = None


def find_continued(
    collection: Collection, continues: str, bundle_id: str, space: SemanticIdSpace, item_ids: pa.ChunkedArray
) -> Continued:
    """The semantic IDs to keep as `CollisionConfig.continues` says, aligned with `item_ids`.

    A version that is named must be whole and have the same codebook sizes; its bundle may be another, because raw codes
    decide what is kept. Raises ConfigError, VersionNotFound, VersionCorrupt, VersionFormatUnsupported or InvalidName.
    The active version is left out, with the reason, when it cannot be read or another bundle embedded it.
    """
    if continues == "none":
        return Continued(None, "the build was told to continue none")
    if continues != "active":
        manifest = verify_version(collection, continues)
        if not _has_sizes(manifest, space):
            raise ConfigError(
                f"collisions.continues: index version '{continues}' has no semantic IDs of "
                f"{'x'.join(map(str, space.codebook_sizes))} codes; name another version, or 'none'"
            )
        return Continued(_read(collection, manifest, item_ids))
    version = known_current(collection)
    if version is None:
        return Continued(None, "no version was active")
    try:
        manifest = verify_version(collection, version)
    except (VersionNotFound, VersionCorrupt, VersionFormatUnsupported) as error:
        return Continued(None, f"the active version cannot be read: {error.message}")
    if manifest.bundle_id != bundle_id or not _has_sizes(manifest, space):
        return Continued(None, f"the active version was embedded by bundle '{manifest.bundle_id}'")
    return Continued(_read(collection, manifest, item_ids))


def _has_sizes(manifest: IndexManifest, space: SemanticIdSpace) -> bool:
    return manifest.semantic_ids is not None and manifest.semantic_ids.codebook_sizes == space.codebook_sizes


def _read(collection: Collection, manifest: IndexManifest, item_ids: pa.ChunkedArray) -> EarlierIds:
    folder = collection.index(manifest.version)
    earlier_ids = open_arrow(folder / IDS_FILE, mmap=True)["item_id"]
    columns = open_arrow(folder / SEMANTIC_IDS_FILE, mmap=True)
    found = pc.index_in(item_ids.cast(pa.large_string()), value_set=earlier_ids)
    is_known_N = found.is_valid().to_numpy()
    rows_N = pc.fill_null(found, 0).to_numpy()

    def aligned(name: str) -> np.ndarray:
        return np.where(is_known_N, columns[name].to_numpy()[rows_N], 0)

    return EarlierIds(manifest.version, is_known_N, aligned("raw_key"), aligned("key"), aligned("suffix"))
