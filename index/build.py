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

from bundle.files import file_entries, publish_folder, staging_folder
from bundle.items import Items
from bundle.progress import NoProgress, Progress
from bundle.tower import Tower
from bundle.workspace import Collection
from index.anchor_scores import score_anchors
from index.arrow_file import write_arrow
from index.config import BuildConfig
from index.content import row_digests
from index.corpus import Corpus, CorpusCodes
from index.cur.kinds import CurReport
from index.default_kind import DEFAULT_TARGET, Choice, choose_kind
from index.earlier_ids import Continued, find_continued
from index.embed import embed_items
from index.feature_rows import write_feature_rows
from index.fusion_weight import FusionWeigher
from index.hubness_build import HubnessBuild, start_hubness
from index.ids import id_table
from index.inputs import BuildInputs, read_inputs
from index.kinds import IndexKind
from index.kinds.semantic_prefix import SemanticPrefixKind
from index.lexical.build import write_lexical
from index.manifest import (
    ATTRIBUTES_FILE,
    CONTENT_FILE,
    FORMAT_VERSION,
    IDS_FILE,
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
from index.queries import RecallQueries, recall_queries
from index.recall import measure, of_role
from index.report import write_report
from index.reuse import Reuse
from index.role import write_faiss
from index.semantic_ids import encode_corpus, write_semantic_ids
from index.stamp import new_stamp
from index.threads import use_threads


def build_index(
    collection: Collection, config: BuildConfig, progress: Progress | None = None, *, base: Path = Path()
) -> str:
    """Build one index version and return its name; it is not activated.

    Relative paths of `config` start at `base`. Either a whole version appears or none does. Raises ConfigError,
    BundleNotFound and what opening the bundle raises, InvalidTable, EmbeddingFailed or RecallBelowTarget.
    """
    return build_from(read_inputs(collection, config, base), progress or NoProgress())


def build_from(inputs: BuildInputs, progress: Progress, reuse: Reuse | None = None) -> str:
    """Build one index version of what was read, taking the vectors of `reuse` where nothing changed.

    Raises as `build_index` does.
    """
    collection = inputs.collection
    with staging_folder(collection.indexes) as folder:
        version = _Build(folder, inputs, progress, reuse or Reuse()).run(new_stamp(collection))
        publish_folder(folder, collection.index(version))
    return version


@dataclass
class _Build:
    """The steps of one build, each writing its files into `folder`."""

    folder: Path
    inputs: BuildInputs
    progress: Progress
    reuse: Reuse
    n_copied: int = 0
    cross_encoder_search: CurReport | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.collection, self.config, self.base = self.inputs.collection, self.inputs.config, self.inputs.base
        self.bundle = self.inputs.bundle
        self.seconds["read"] = self.inputs.seconds

    def run(self, stamp: str) -> str:
        """Do all steps and return the version's name."""
        items, attributes, texts = self.inputs.items, self.inputs.attributes, self.inputs.texts
        continued = self._continued(items)
        with self._timed("embed"):
            vectors = {
                self.folder / role: self._embed(tower, items, role) for role, tower in self.inputs.towers.items()
            }
        *_, asking_ND = vectors.values()
        with self._timed("encode semantic IDs"):
            corpora = {
                folder: Corpus(vectors_ND, self._codes(folder, vectors_ND)) for folder, vectors_ND in vectors.items()
            }
        hubness = self._hubness(asking_ND, items)
        item_tower, *in_role = [self._index(corpus, asking_ND, folder, hubness) for folder, corpus in corpora.items()]
        with self._timed("columns"):
            write_arrow(self.folder / IDS_FILE, id_table(items.table["item_id"]))
            write_arrow(self.folder / ATTRIBUTES_FILE, attributes)
            ranker, codes = self.bundle.rerankers.feature_ranker, corpora[self.folder].codes
            write_feature_rows(self.folder, ranker, items, codes, self.config.shard_size)
        self.cross_encoder_search = self._cross_encoder_search(corpora[self.folder].vectors_ND)
        roles = item_tower, in_role[0] if in_role else None
        semantic_ids, tree = self._semantic_ids(continued, texts, corpora[self.folder])
        worded = self._lexical(items, item_tower.kind)
        return self._finish(stamp, roles, attributes, semantic_ids, tree, worded)

    def _embed(self, tower: Tower, items: Items, role: Path) -> NDArray[np.float32]:
        folder = self.folder / role
        folder.mkdir(exist_ok=True)
        known = self.reuse.known(role, row_digests(items.table, tower.featurizer.names))
        np.save(folder / CONTENT_FILE, known.content_N16)
        vectors_ND = embed_items(
            self.bundle,
            tower,
            items,
            folder / VECTORS_FILE,
            self.progress,
            shard_size=self.config.shard_size,
            batch_size=self.config.batch_size,
            known=known,
        )
        self.n_copied += known.n_copied
        return vectors_ND

    def _codes(self, folder: Path, vectors_ND: NDArray[np.float32]) -> CorpusCodes | None:
        """The codes of the item tower's vectors, which name items; of the other role's where its index reads them."""
        codec = self.bundle.semantic_ids
        if codec is None or not (folder == self.folder or isinstance(self.config.kind, SemanticPrefixKind)):
            return None
        return CorpusCodes(codec, encode_corpus(codec, vectors_ND, self.progress))

    def _index(
        self, corpus: Corpus, asking_ND: NDArray[np.float32], folder: Path, hubness: HubnessBuild | None
    ) -> RoleReport:
        choice, vectors_ND = self._kind(corpus), corpus.vectors_ND
        kind = choice.kind.resolve(corpus)
        with self._timed("build"), use_threads(self.config.threads):
            self.progress.start(f"build {kind.kind} index", None)
            index = kind.build(corpus, self.config.seed)
            write_faiss(index, folder / INDEX_FILE)
            self.progress.finish()
        with self._timed("measure recall"), of_role(self._role(folder)):
            measured = measure(
                index,
                kind,
                vectors_ND,
                self._recall_queries(asking_ND),
                target=self.config.target_recall or (DEFAULT_TARGET if self.config.kind is None else None),
                threads=self.config.threads,
                progress=self.progress,
            )
        role = RoleReport(
            kind=measured.kind,
            kind_because=choice.because,
            recall=measured.report,
            n_zero_vectors=_count_zero(vectors_ND),
        )
        if hubness is None:
            return role
        with self._timed("hubness"), use_threads(self.config.threads):
            return role.model_copy(update={"hubness": hubness.write(folder, vectors_ND)})

    def _kind(self, corpus: Corpus) -> Choice:
        if self.config.kind is not None:
            return Choice(self.config.kind)
        return choose_kind(len(corpus), corpus.vectors_ND.shape[1], self.config.memory_budget_mb)

    def _hubness(self, asking_ND: NDArray[np.float32], items: Items) -> HubnessBuild | None:
        if self.config.hubness is None:
            return None
        with self._timed("hubness"):
            return start_hubness(self.config.hubness, self.bundle, self.base, items, asking_ND, self.config.seed)

    def _role(self, folder: Path) -> str | None:
        """The name of the role whose folder it is; None where there is one alone."""
        if self.bundle.manifest.queries_are != "items":
            return None
        return "out" if folder == self.folder else "in"

    def _recall_queries(self, asking_ND: NDArray[np.float32]) -> RecallQueries:
        table = None if self.config.queries is None else self.base / self.config.queries
        return recall_queries(self.bundle, asking_ND, table, self.config.n_recall_queries, self.config.seed)

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
        if (kind := self.config.cross_encoder_search) is None:
            return None
        with self._timed("cross-encoder search"):
            return score_anchors(kind, self.bundle, self.base, vectors_ND, self.folder, self.config.seed, self.progress)

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
        roles: tuple[RoleReport, RoleReport | None],
        attributes: pa.Table,
        semantic_ids: SemanticIdReport | None,
        tree: Branch | None,
        worded: tuple[LexicalReport | None, FusionReport | None],
    ) -> str:
        item_tower, in_role = roles
        manifest = IndexManifest(
            format_version=FORMAT_VERSION,
            version="",
            content_hash="",
            bundle_id=self.bundle.bundle_id,
            created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            count=len(self.inputs.items),
            dimension=self.bundle.manifest.dimension,
            metric=self.bundle.manifest.metric,
            kind=item_tower.kind,
            kind_because=item_tower.kind_because,
            recall=item_tower.recall,
            in_role=in_role,
            hubness=item_tower.hubness,
            semantic_ids=semantic_ids,
            cross_encoder_search=self.cross_encoder_search,
            lexical=worded[0],
            fusion=worded[1],
            attributes={column.name: str(column.type) for column in attributes.schema},
            n_zero_vectors=item_tower.n_zero_vectors,
            is_deterministic=item_tower.kind.is_deterministic(self.config.threads),
            n_copied=self.n_copied,
            inputs_digest=self.inputs.digest,
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


def _count_zero(vectors_ND: NDArray[np.float32]) -> int:
    starts = range(0, len(vectors_ND), 65_536)
    return sum(int((~vectors_ND[start : start + 65_536].any(axis=1)).sum()) for start in starts)
