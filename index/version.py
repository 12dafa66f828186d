"""One opened index version: search, vectors, attributes and semantic IDs of one corpus.

B queries, K hits, D embedding, M items asked for. Everything an answer needs comes from one such object, so a
caller that captures it once never mixes two versions.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bundle.files import verify_files
from bundle.semantic_id import SemanticId, SemanticIdSpace
from bundle.workspace import Collection
from index.arrow_file import open_arrow
from index.attributes import AttributeColumns, Attributes
from index.cur.kinds import CurSearch
from index.device import DeviceName
from index.errors import BundleMismatch, LexicalNotServed, NoActiveVersion, RelationNotServed, VersionCorrupt
from index.feature_rows import FeatureRows, open_feature_rows
from index.filters.compiled import Filters
from index.filters.fields import Fields
from index.ids import ItemIds
from index.lexical.bm25 import Bm25, open_bm25
from index.manifest import (
    ATTRIBUTES_FILE,
    CROSS_ENCODER_FILE,
    IDS_FILE,
    IN_ROLE_FOLDER,
    LEXICAL_FOLDER,
    PREFIXES_FILE,
    SEMANTIC_IDS_FILE,
    IndexManifest,
    Relation,
)
from index.prefix import PrefixIndex
from index.prefix_names import PrefixNames
from index.role import Role, open_role
from index.searcher import NO_PARAMS, Hits, check_queries
from index.store import current, read_version


@dataclass(frozen=True)
class IndexVersion:
    """An index version ready to answer; all methods may be called from many threads at once.

    `roles` has the role that answers each relation between items, first the one that the towers were trained for, which
    is meant where a method gets no relation.
    """

    manifest: IndexManifest
    roles: Mapping[Relation, Role]
    prefix: PrefixIndex | None
    prefix_names: PrefixNames | None
    ids: ItemIds
    columns: AttributeColumns
    cross_encoder_search: CurSearch | None = None
    bm25: Bm25 | None = None
    feature_rows: FeatureRows | None = None

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

    @cached_property
    def filters(self) -> Filters:
        """What turns filters over the attributes into allowed rows."""
        return Filters(Fields(self.columns, self.ids))

    def role(self, relation: Relation | None = None) -> Role:
        """What answers `relation`; raises RelationNotServed."""
        wanted = next(iter(self.roles)) if relation is None else relation
        if wanted not in self.roles:
            raise RelationNotServed(
                f"bundle '{self.bundle_id}' was not trained for {wanted} items, only for {', '.join(self.roles)} "
                "ones; train a bundle on pairs of items that go together, with a [data.pairs] section",
                relation=wanted,
            )
        return self.roles[wanted]

    def words(self) -> Bm25:
        """The index of words; raises LexicalNotServed."""
        if self.bm25 is None:
            raise LexicalNotServed(
                f"index version '{self.version}' has no index of words; build one with a [lexical] section in the "
                "build config, or search with mode 'dense'"
            )
        return self.bm25

    def search(
        self, query_BD: ArrayLike, k: int, params: Mapping[str, int] = NO_PARAMS, relation: Relation | None = None
    ) -> Hits:
        """The min(k, count) best hits of each query vector, best first.

        Raises RelationNotServed, DimensionMismatch, InvalidVector, InvalidSearchParams or VersionClosed.
        """
        return self.role(relation).searcher.search(query_BD, k, params)

    def contains(self, item_id: str) -> bool:
        """Whether the corpus holds the item."""
        return self.ids.contains(item_id)

    def vectors(self, item_ids: Sequence[str], relation: Relation | None = None) -> NDArray[np.float32]:
        """The embeddings float32 [M, D] that items are found by; raises UnknownItem or RelationNotServed."""
        return np.array(self.role(relation).vectors_ND[self.ids.rows(item_ids)])

    def query_vectors(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """The embeddings float32 [M, D] that items ask with, in every relation; raises UnknownItem."""
        return self.vectors(item_ids, "similar")

    def scores(
        self, query_D: ArrayLike, item_ids: Sequence[str], relation: Relation | None = None
    ) -> NDArray[np.float32]:
        """Exact scores float32 [M] of items for one query vector.

        Raises UnknownItem, RelationNotServed, DimensionMismatch or InvalidVector.
        """
        query_1D = check_queries(np.asarray(query_D)[None], self.dimension, self.manifest.metric)
        scores_M: NDArray[np.float32] = self.vectors(item_ids, relation) @ query_1D[0]
        return scores_M

    def attributes(self, item_ids: Sequence[str]) -> list[Attributes]:
        """The attributes of items as JSON values; times are ISO texts, what is missing is None. Raises UnknownItem."""
        return self.columns.at(self.ids.rows(item_ids))

    def semantic_ids(self, item_ids: Sequence[str]) -> list[SemanticId] | None:
        """The semantic IDs of items, None when the bundle has no quantizer; raises UnknownItem."""
        return None if self.prefix is None else self.prefix.semantic_ids(item_ids)

    def close(self) -> None:
        """Free the indexes and their device memory; searches under way end well, later ones raise VersionClosed."""
        for role in self.roles.values():
            role.searcher.close()


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
    ids = ItemIds(open_arrow(folder / IDS_FILE, mmap=mmap))
    prefix, prefix_names = _open_semantic_ids(folder, manifest, ids, mmap)
    return IndexVersion(
        manifest=manifest,
        prefix=prefix,
        prefix_names=prefix_names,
        ids=ids,
        columns=AttributeColumns(open_arrow(folder / ATTRIBUTES_FILE, mmap=mmap)),
        roles=_open_roles(folder, manifest, ids, device, mmap),
        cross_encoder_search=_open_cross_encoder_search(folder, manifest, mmap),
        feature_rows=open_feature_rows(folder, mmap=mmap),
        bm25=open_bm25(folder / LEXICAL_FOLDER, manifest.count, mmap=mmap) if manifest.lexical else None,
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


def _open_roles(
    folder: Path, manifest: IndexManifest, ids: ItemIds, device: DeviceName, mmap: bool
) -> dict[Relation, Role]:
    roles: dict[Relation, Role] = {}
    with ExitStack() as opened:  # when the second does not fit a device, the first must not stay there
        for relation, report in manifest.roles.items():
            place = folder / IN_ROLE_FOLDER if report is manifest.in_role else folder
            role = open_role(place, report.kind, ids, manifest.metric, device, mmap=mmap, hubness=report.hubness)
            opened.callback(role.searcher.close)
            roles[relation] = role
        opened.pop_all()
    return roles


def _open_cross_encoder_search(folder: Path, manifest: IndexManifest, mmap: bool) -> CurSearch | None:
    report = manifest.cross_encoder_search
    if report is None:
        return None
    stored = np.load(folder / CROSS_ENCODER_FILE, mmap_mode="r" if mmap else None, allow_pickle=False)
    return report.kind.open(stored, report)


def _open_semantic_ids(
    folder: Path, manifest: IndexManifest, ids: ItemIds, mmap: bool
) -> tuple[PrefixIndex, PrefixNames] | tuple[None, None]:
    if manifest.semantic_ids is None:
        return None, None
    space = SemanticIdSpace(manifest.semantic_ids.codebook_sizes)
    prefix = PrefixIndex(open_arrow(folder / SEMANTIC_IDS_FILE, mmap=mmap), space, ids)
    return prefix, PrefixNames(open_arrow(folder / PREFIXES_FILE, mmap=mmap), space, ids)
