"""Line two: a catalogue becomes an index version.

read the catalogue -> embed it -> build the index and measure its recall -> ids, attributes, semantic IDs -> report and
manifest -> one rename. Where the queries of the bundle are items, the catalogue is embedded and indexed in two roles
(index/role.py). N corpus, D embedding.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import BundleNotFound, ConfigError
from bundle.features import text_columns
from bundle.files import file_entries, publish_folder, staging_folder
from bundle.items import Items
from bundle.progress import NoProgress, Progress
from bundle.session import SessionConfig
from bundle.store import Bundle, list_bundles, open_bundle
from bundle.tower import Tower
from bundle.workspace import Collection
from index.anchor_scores import build_cross_encoder_search, check_reranker
from index.arrow_file import open_arrow, write_arrow
from index.attributes import AttributeColumns, attribute_table
from index.catalogue import read_catalogue
from index.config import BuildConfig
from index.corpus import Corpus, CorpusCodes
from index.cur.kinds import CurReport
from index.earlier_ids import Continued, find_continued
from index.embed import embed_items
from index.fusion_weight import FusionWeigher
from index.hubness_build import HubnessBuild, start_hubness
from index.ids import id_table
from index.kinds import IndexKind, default_kind
from index.lexical.build import write_lexical
from index.manifest import (
    ATTRIBUTES_FILE,
    FORMAT_VERSION,
    IDS_FILE,
    IN_ROLE_FOLDER,
    INDEX_FILE,
    LEXICAL_FOLDER,
    REPORT_FOLDER,
    VECTORS_FILE,
    FusionReport,
    IndexManifest,
    LexicalReport,
    RoleReport,
    SemanticIdReport,
    write_manifest,
)
from index.prefix_tree import Branch
from index.queries import RecallQueries, item_queries, table_queries
from index.recall import measure
from index.report import write_report
from index.reranked import check_item_columns
from index.semantic_ids import encode_corpus, name_texts, write_semantic_ids
from index.stamp import new_stamp
from index.threads import use_threads


def build_index(
    collection: Collection, config: BuildConfig, progress: Progress | None = None, *, base: Path = Path()
) -> str:
    """Build one index version and return its name; it is not activated.

    Relative paths of `config` start at `base`. Either a whole version appears or none does. Raises ConfigError,
    BundleNotFound and what opening the bundle raises, InvalidTable, EmbeddingFailed or RecallBelowTarget.
    """
    if config.collection != collection.name:
        raise ConfigError(f"the build config is for collection '{config.collection}', not for '{collection.name}'")
    session = SessionConfig(device=config.device, threads=config.threads)
    bundle = open_bundle(collection, config.bundle or _newest_bundle(collection), session)
    with staging_folder(collection.indexes) as folder:
        build = _Build(folder, collection, bundle, config, progress or NoProgress(), base)
        version = build.run(new_stamp(collection))
        publish_folder(folder, collection.index(version))
    return version


@dataclass
class _Build:
    """The steps of one build, each writing its files into `folder`."""

    folder: Path
    collection: Collection
    bundle: Bundle
    config: BuildConfig
    progress: Progress
    base: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, stamp: str) -> str:
        """Do all steps and return the version's name."""
        towers = self._towers()
        with self._timed("read"):
            features = [feature for tower in towers.values() for feature in tower.featurizer.features]
            spec, lexical = self.bundle.manifest.features, self.config.lexical
            words = lexical.item_fields(spec.item) if lexical else []
            items = read_catalogue(self.base / self.config.items, text_columns(features) | set(words))
            if lexical:
                lexical.check(items, spec)
            items.check_columns([feature.name for feature in features])
            attributes = attribute_table(items, self.config.attributes)
            if self.bundle.reranker is not None:
                check_item_columns(self.bundle.reranker, attributes.column_names)
            if self.config.cross_encoder_search is not None:
                check_reranker(self.bundle, self.config.cross_encoder_search, attributes.column_names)
            texts = name_texts(self.config.name_columns, items, attributes)
            continued = self._continued(items)
        with self._timed("embed"):
            vectors = {folder: self._embed(tower, items, folder) for folder, tower in towers.items()}
        *_, asking_ND = vectors.values()
        with self._timed("encode semantic IDs"):
            corpora = {folder: Corpus(vectors_ND, self._codes(vectors_ND)) for folder, vectors_ND in vectors.items()}
        hubness = self._hubness(asking_ND, items)
        item_tower, *in_role = [self._index(corpus, asking_ND, folder, hubness) for folder, corpus in corpora.items()]
        with self._timed("columns"):
            write_arrow(self.folder / IDS_FILE, id_table(items.table["item_id"]))
            write_arrow(self.folder / ATTRIBUTES_FILE, attributes)
        cross_encoder_search = self._cross_encoder_search(corpora[self.folder].vectors_ND)
        roles = item_tower, in_role[0] if in_role else None
        semantic_ids, tree = self._semantic_ids(continued, texts, corpora[self.folder])
        worded = self._lexical(items, item_tower.kind)
        return self._finish(stamp, len(items), roles, attributes, semantic_ids, tree, worded, cross_encoder_search)

    def _towers(self) -> dict[Path, Tower]:
        """The tower that embeds each role's folder; last the one whose vectors ask."""
        towers = {self.folder: self.bundle.item}
        if self.bundle.manifest.queries_are == "items":
            towers[self.folder / IN_ROLE_FOLDER] = self.bundle.query
        return towers

    def _embed(self, tower: Tower, items: Items, folder: Path) -> NDArray[np.float32]:
        folder.mkdir(exist_ok=True)
        return embed_items(
            self.bundle,
            tower,
            items,
            folder / VECTORS_FILE,
            self.progress,
            shard_size=self.config.shard_size,
            batch_size=self.config.batch_size,
        )

    def _codes(self, vectors_ND: NDArray[np.float32]) -> CorpusCodes | None:
        codec = self.bundle.semantic_ids
        return None if codec is None else CorpusCodes(codec, encode_corpus(codec, vectors_ND, self.progress))

    def _index(
        self, corpus: Corpus, asking_ND: NDArray[np.float32], folder: Path, hubness: HubnessBuild | None
    ) -> RoleReport:
        kind, vectors_ND = (self.config.kind or default_kind(len(corpus))).resolve(corpus), corpus.vectors_ND
        with self._timed("build"), use_threads(self.config.threads):
            self.progress.start(f"build {kind.kind} index", None)
            index = kind.build(corpus, self.config.seed)
            faiss.write_index(index, str(folder / INDEX_FILE))
            self.progress.finish()
        with self._timed("measure recall"):
            measured = measure(
                index,
                kind,
                vectors_ND,
                self._recall_queries(asking_ND),
                target=self.config.target_recall,
                threads=self.config.threads,
                progress=self.progress,
            )
        role = RoleReport(kind=measured.kind, recall=measured.report, n_zero_vectors=_count_zero(vectors_ND))
        if hubness is None:
            return role
        with self._timed("hubness"), use_threads(self.config.threads):
            return role.model_copy(update={"hubness": hubness.write(folder, vectors_ND)})

    def _hubness(self, asking_ND: NDArray[np.float32], items: Items) -> HubnessBuild | None:
        if self.config.hubness is None:
            return None
        with self._timed("hubness"):
            return start_hubness(self.config.hubness, self.bundle, self.base, items, asking_ND, self.config.seed)

    def _recall_queries(self, asking_ND: NDArray[np.float32]) -> RecallQueries:
        size, seed = self.config.n_recall_queries, self.config.seed
        if self.config.queries is None:
            return item_queries(asking_ND, size, seed)
        return table_queries(self.bundle, self.base / self.config.queries, size, seed)

    def _continued(self, items: Items) -> Continued | None:
        codec, continues = self.bundle.semantic_ids, self.config.collisions.continues
        if codec is None:
            return None
        return find_continued(self.collection, continues, self.bundle.bundle_id, codec.space, items.table["item_id"])

    def _semantic_ids(
        self, continued: Continued | None, texts: pa.Table, corpus: Corpus
    ) -> tuple[SemanticIdReport, Branch] | tuple[None, None]:
        if corpus.codes is None or continued is None:
            return None, None
        with self._timed("semantic IDs"):
            return write_semantic_ids(
                self.folder, corpus.vectors_ND, corpus.codes, self.config.collisions, continued, texts, self.progress
            )

    def _cross_encoder_search(self, vectors_ND: NDArray[np.float32]) -> CurReport | None:
        kind = self.config.cross_encoder_search
        if kind is None:
            return None
        with self._timed("cross-encoder search"):
            columns = AttributeColumns(open_arrow(self.folder / ATTRIBUTES_FILE, mmap=True))
            return build_cross_encoder_search(
                kind, self.bundle, self.base, columns, vectors_ND, self.folder, self.config.seed, self.progress
            )

    def _lexical(self, items: Items, kind: IndexKind) -> tuple[LexicalReport | None, FusionReport | None]:
        if self.config.lexical is None:
            return None, None
        features, progress = self.bundle.manifest.features, self.progress
        with self._timed("words"):
            lexical = write_lexical(self.folder / LEXICAL_FOLDER, items, self.config.lexical, features, progress)
        if self.config.fusion is None:
            return lexical, None
        with self._timed("learn fusion"):
            weigher = FusionWeigher(self.folder, self.bundle, kind, lexical.query_fields)
            return lexical, weigher.learn(self.config.fusion, self.base, self.config.seed)

    def _finish(
        self,
        stamp: str,
        count: int,
        roles: tuple[RoleReport, RoleReport | None],
        attributes: pa.Table,
        semantic_ids: SemanticIdReport | None,
        tree: Branch | None,
        worded: tuple[LexicalReport | None, FusionReport | None],
        cross_encoder_search: CurReport | None,
    ) -> str:
        item_tower, in_role = roles
        manifest = IndexManifest(
            format_version=FORMAT_VERSION,
            version="",
            content_hash="",
            bundle_id=self.bundle.bundle_id,
            created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            count=count,
            dimension=self.bundle.manifest.dimension,
            metric=self.bundle.manifest.metric,
            kind=item_tower.kind,
            recall=item_tower.recall,
            in_role=in_role,
            hubness=item_tower.hubness,
            semantic_ids=semantic_ids,
            cross_encoder_search=cross_encoder_search,
            lexical=worded[0],
            fusion=worded[1],
            attributes={column.name: str(column.type) for column in attributes.schema},
            n_zero_vectors=item_tower.n_zero_vectors,
            is_deterministic=item_tower.kind.is_deterministic(self.config.threads),
            config=self.config.model_dump(mode="json"),
            seconds={step: round(seconds, 3) for step, seconds in self.seconds.items()},
            software={"faiss": faiss.__version__, "numpy": np.__version__, "pyarrow": pa.__version__},
            files={},
        )
        write_report(self.folder / REPORT_FOLDER, manifest, tree)
        return write_manifest(self.folder, manifest.model_copy(update={"files": file_entries(self.folder)}), stamp)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0) + time.perf_counter() - start


def _newest_bundle(collection: Collection) -> str:
    bundles = list_bundles(collection)
    if not bundles:
        raise BundleNotFound(f"collection '{collection.name}' has no bundle; train one first")
    return bundles[-1]


def _count_zero(vectors_ND: NDArray[np.float32]) -> int:
    starts = range(0, len(vectors_ND), 65_536)
    return sum(int((~vectors_ND[start : start + 65_536].any(axis=1)).sum()) for start in starts)
