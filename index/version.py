"""One opened index version: search, vectors, attributes and semantic IDs of one corpus.

B queries, K hits, D embedding, N corpus, M items asked for. Everything an answer needs comes from one such object, so a
caller that captures it once never mixes two versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bundle.files import verify_files
from bundle.semantic_id import SemanticId, SemanticIdSpace
from bundle.workspace import Collection
from index.arrow_file import open_arrow
from index.attributes import AttributeColumns, Attributes
from index.device import DeviceName, place
from index.errors import BundleMismatch, NoActiveVersion, VersionCorrupt
from index.ids import ItemIds
from index.manifest import (
    ATTRIBUTES_FILE,
    IDS_FILE,
    INDEX_FILE,
    PREFIXES_FILE,
    SEMANTIC_IDS_FILE,
    VECTORS_FILE,
    IndexManifest,
)
from index.prefix import PrefixIndex
from index.prefix_names import PrefixNames
from index.searcher import NO_PARAMS, FaissSearcher, Hits, RowSearcher, Searcher, check_queries
from index.store import current, read_version


@dataclass(frozen=True)
class IndexVersion:
    """An index version ready to answer; all methods may be called from many threads at once."""

    manifest: IndexManifest
    searcher: Searcher
    prefix: PrefixIndex | None
    prefix_names: PrefixNames | None
    ids: ItemIds
    columns: AttributeColumns
    vectors_ND: NDArray[np.float32]

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.manifest.version

    @property
    def bundle_id(self) -> str:
        """The bundle that embedded this corpus."""
        return self.manifest.bundle_id

    @property
    def count(self) -> int:
        """Items in the corpus."""
        return self.manifest.count

    @property
    def dimension(self) -> int:
        """Width of the embeddings."""
        return self.manifest.dimension

    def search(self, query_BD: ArrayLike, k: int, params: Mapping[str, int] = NO_PARAMS) -> Hits:
        """The min(k, count) best hits of each query vector, best first.

        Raises DimensionMismatch, InvalidVector, InvalidSearchParams or VersionClosed.
        """
        return self.searcher.search(query_BD, k, params)

    def contains(self, item_id: str) -> bool:
        """Whether the corpus holds the item."""
        return self.ids.contains(item_id)

    def vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """The embeddings float32 [M, D] of items; raises UnknownItem."""
        return np.array(self.vectors_ND[self.ids.rows(item_ids)])

    def scores(self, query_D: ArrayLike, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """Exact scores float32 [M] of items for one query vector.

        Raises UnknownItem, DimensionMismatch or InvalidVector.
        """
        query_1D = check_queries(np.asarray(query_D)[None], self.dimension, self.manifest.metric)
        scores_M: NDArray[np.float32] = self.vectors(item_ids) @ query_1D[0]
        return scores_M

    def attributes(self, item_ids: Sequence[str]) -> list[Attributes]:
        """The attributes of items as JSON values; times are ISO texts, what is missing is None. Raises UnknownItem."""
        return self.columns.at(self.ids.rows(item_ids))

    def semantic_ids(self, item_ids: Sequence[str]) -> list[SemanticId] | None:
        """The semantic IDs of items, None when the bundle has no quantizer; raises UnknownItem."""
        return None if self.prefix is None else self.prefix.semantic_ids(item_ids)

    def close(self) -> None:
        """Free the index and its device memory; searches under way end well, later ones raise VersionClosed."""
        self.searcher.close()


def open_version(
    collection: Collection,
    version: str,
    *,
    bundle_id: str | None = None,
    device: DeviceName = "cpu",
    mmap: bool = True,
    verify: bool = True,
) -> IndexVersion:
    """Open one index version, after checking every byte of it unless `verify` is off.

    `bundle_id` is the bundle that the caller has opened; `mmap` maps the files instead of reading them into memory.
    Raises VersionNotFound, VersionFormatUnsupported, BundleMismatch, DeviceUnavailable, InvalidName, or VersionCorrupt
    naming the file.
    """
    manifest = read_version(collection, version)
    if bundle_id is not None and bundle_id != manifest.bundle_id:
        raise BundleMismatch(
            f"index version '{version}' was embedded by bundle '{manifest.bundle_id}', not by '{bundle_id}'; open that "
            "bundle, or build the index again with this one",
            version=version,
            expected=manifest.bundle_id,
            opened=bundle_id,
        )
    folder = collection.index(version)
    if verify:
        verify_files(folder, manifest.files, VersionCorrupt)
    vectors_ND = np.load(folder / VECTORS_FILE, mmap_mode="r" if mmap else None, allow_pickle=False)
    ids = ItemIds(open_arrow(folder / IDS_FILE, mmap=mmap))
    placed = place(_read_index(folder / INDEX_FILE, mmap and device == "cpu"), manifest.kind, device)
    prefix, prefix_names = _open_semantic_ids(folder, manifest, ids, mmap)
    return IndexVersion(
        manifest=manifest,
        searcher=FaissSearcher(RowSearcher(placed, manifest.kind, vectors_ND), ids, manifest.metric),
        prefix=prefix,
        prefix_names=prefix_names,
        ids=ids,
        columns=AttributeColumns(open_arrow(folder / ATTRIBUTES_FILE, mmap=mmap)),
        vectors_ND=vectors_ND,
    )


def open_current(
    collection: Collection, *, device: DeviceName = "cpu", mmap: bool = True, verify: bool = True
) -> IndexVersion:
    """Open the active index version; raises NoActiveVersion and what `open_version` raises."""
    version = current(collection)
    if version is None:
        raise NoActiveVersion(
            f"collection '{collection.name}' has no active index version; build one and activate it",
            collection=collection.name,
        )
    return open_version(collection, version, device=device, mmap=mmap, verify=verify)


def _read_index(path: Path, mmap: bool) -> faiss.Index:
    # A mapped index must never be changed: faiss then aborts the process. `place` hides everything but search.
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mmap else 0)


def _open_semantic_ids(
    folder: Path, manifest: IndexManifest, ids: ItemIds, mmap: bool
) -> tuple[PrefixIndex, PrefixNames] | tuple[None, None]:
    if manifest.semantic_ids is None:
        return None, None
    space = SemanticIdSpace(manifest.semantic_ids.codebook_sizes)
    prefix = PrefixIndex(open_arrow(folder / SEMANTIC_IDS_FILE, mmap=mmap), space, ids)
    return prefix, PrefixNames(open_arrow(folder / PREFIXES_FILE, mmap=mmap), space, ids)
