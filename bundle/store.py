"""Bundles on disk: written in one step, named by their content, verified when opened."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from bundle.encoders import NumberStatistics
from bundle.errors import BundleCorrupt, BundleFormatUnsupported, BundleNotFound
from bundle.features import Feature, FeatureSpec, token_models
from bundle.featurize import Featurizer
from bundle.files import (
    MANIFEST,
    file_entries,
    publish_folder,
    published_folders,
    read_manifest,
    staging_folder,
    verify_files,
)
from bundle.manifest import FORMAT_VERSION, BundleManifest
from bundle.quantizer import SemanticIdCodec
from bundle.rerankers import Rerankers, RerankerSpecs
from bundle.runtimes import check_runtimes
from bundle.semantic_id import SemanticIdSpace
from bundle.session import OnnxSession, SessionConfig
from bundle.tokens import TextTokenizer
from bundle.tower import Tower
from bundle.vocabulary import Vocabulary
from bundle.workspace import Collection

QUERY_TOWER = "query_tower.onnx"
ITEM_TOWER = "item_tower.onnx"
SEMANTIC_ID_ENCODE = "semantic_id_encode.onnx"
SEMANTIC_ID_DECODE = "semantic_id_decode.onnx"
TOKENIZERS = "tokenizers"
DAMAGED = ".damaged-"


@dataclass(frozen=True)
class BundleDraft:
    """What training knows of a bundle before it has an id."""

    name: str
    dimension: int
    metric: Literal["cosine", "dot"]
    features: FeatureSpec
    vocabularies: Mapping[str, Vocabulary]
    statistics: Mapping[str, NumberStatistics]
    semantic_id_codebooks: tuple[int, ...] | None
    evaluation: Mapping[str, float]
    training: Mapping[str, Any]
    tokenizers: Mapping[str, TextTokenizer] = field(default_factory=dict)
    queries_are: Literal["queries", "items"] = "queries"
    rerankers: RerankerSpecs = field(default_factory=RerankerSpecs)


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: towers and codec ready to run."""

    manifest: BundleManifest
    folder: Path
    query: Tower
    item: Tower
    semantic_ids: SemanticIdCodec | None
    rerankers: Rerankers

    @property
    def bundle_id(self) -> str:
        """Hash of the content."""
        return self.manifest.bundle_id


def write_bundle(
    collection: Collection, draft: BundleDraft, write_files: Callable[[Path], Mapping[str, float] | None]
) -> str:
    """Write a bundle in one step and return its id; the same content gives the same id and is kept once.

    `write_files(folder)` puts the graphs, the model card and the report there; what it measures of them joins the
    draft's evaluation. When anything fails nothing is left. A damaged bundle of the same id is moved aside, so that
    training again repairs it.
    """
    if draft.semantic_id_codebooks is not None:
        SemanticIdSpace(draft.semantic_id_codebooks)  # what could not be opened is not written either
    with staging_folder(collection.bundles) as folder:
        measured = write_files(folder) or {}
        (folder / "vocabularies").mkdir()
        for name, vocabulary in draft.vocabularies.items():
            (folder / "vocabularies" / f"{name}.json").write_bytes(vocabulary.to_json())
        for name in _tokenizer_names(draft.features, draft.rerankers):
            (folder / TOKENIZERS).mkdir(exist_ok=True)
            (folder / TOKENIZERS / f"{name}.json").write_bytes(draft.tokenizers[name].to_json())
        manifest = _manifest(replace(draft, evaluation={**draft.evaluation, **measured}), folder)
        text = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
        (folder / MANIFEST).write_bytes(text)
        _publish(folder, collection.bundle(manifest.bundle_id))
    return manifest.bundle_id


def open_bundle(
    collection: Collection, bundle_id: str, session: SessionConfig | None = None, *, verify: bool = True
) -> Bundle:
    """Open a bundle and check every file of it unless `verify` is off.

    Raises BundleNotFound, BundleFormatUnsupported, BundleCorrupt, ProviderUnavailable or RuntimeConflict.
    """
    check_runtimes()
    folder = collection.bundle(bundle_id)
    if not folder.is_dir():
        has = ", ".join(list_bundles(collection)) or "none"
        raise BundleNotFound(f"collection '{collection.name}' has no bundle '{bundle_id}'; it has: {has}")
    manifest = _read_verified(folder, verify)
    session = session or SessionConfig()
    vocabularies = {
        name: Vocabulary.from_json(_content(folder, f"vocabularies/{name}.json"), f"vocabularies/{name}.json")
        for name in manifest.vocabularies
    }
    tokenizers = {
        name: TextTokenizer(_content(folder, f"{TOKENIZERS}/{name}.json"), f"{TOKENIZERS}/{name}.json")
        for name in _tokenizer_names(manifest.features, manifest.rerankers)
    }

    def tower(features: Sequence[Feature], file: str) -> Tower:
        featurizer = Featurizer(features, vocabularies, manifest.statistics, tokenizers)
        return Tower(featurizer, OnnxSession(folder / file, session), folder / file)

    return Bundle(
        manifest=manifest,
        folder=folder,
        query=tower(manifest.features.query, QUERY_TOWER),
        item=tower(manifest.features.item, ITEM_TOWER),
        semantic_ids=_open_codec(folder, manifest, session),
        rerankers=manifest.rerankers.open(folder, tokenizers, vocabularies, session),
    )


def list_bundles(collection: Collection) -> list[str]:
    """Ids of the collection's bundles, oldest first."""
    folders = published_folders(collection.bundles)
    return [folder.name for folder in sorted(folders, key=lambda f: (f.stat().st_mtime_ns, f.name))]


def read_bundle_manifest(collection: Collection, bundle_id: str) -> BundleManifest:
    """The manifest alone, without its files being checked; raises BundleNotFound or BundleCorrupt."""
    folder = collection.bundle(bundle_id)
    if not folder.is_dir():
        raise BundleNotFound(f"collection '{collection.name}' has no bundle '{bundle_id}'")
    return _read_verified(folder, verify=False)


def _content(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BundleCorrupt(f"cannot read {folder / name}: {error.strerror}; restore it", file=name) from error


def _publish(staging: Path, final: Path) -> None:
    if final.exists():
        try:
            _read_verified(final, verify=True)
            return
        except BundleCorrupt:
            final.rename(final.with_name(f"{DAMAGED}{final.name}-{staging.name}"))
    publish_folder(staging, final)


def _open_codec(folder: Path, manifest: BundleManifest, session: SessionConfig) -> SemanticIdCodec | None:
    if manifest.semantic_id_codebooks is None:
        return None
    encode, decode = (OnnxSession(folder / name, session) for name in (SEMANTIC_ID_ENCODE, SEMANTIC_ID_DECODE))
    return SemanticIdCodec(encode, decode, SemanticIdSpace(manifest.semantic_id_codebooks))


def _tokenizer_names(features: FeatureSpec, rerankers: RerankerSpecs) -> list[str]:
    names = token_models([*features.query, *features.item])
    return list(dict.fromkeys([*names, *rerankers.tokenizers]))


def _manifest(draft: BundleDraft, folder: Path) -> BundleManifest:
    manifest = BundleManifest(
        format_version=FORMAT_VERSION,
        bundle_id="",
        name=draft.name,
        dimension=draft.dimension,
        metric=draft.metric,
        queries_are=draft.queries_are,
        features=draft.features,
        vocabularies=tuple(draft.vocabularies),
        statistics=dict(draft.statistics),
        semantic_id_codebooks=draft.semantic_id_codebooks,
        rerankers=draft.rerankers,
        evaluation=dict(draft.evaluation),
        training=dict(draft.training),
        files=file_entries(folder),
    )
    return manifest.model_copy(update={"bundle_id": _content_id(manifest)})


def _content_id(manifest: BundleManifest) -> str:
    # The manifest holds the hash of every file, so its own hash covers the whole content.
    content = manifest.model_dump(mode="json", exclude={"bundle_id"})
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _read_verified(folder: Path, verify: bool) -> BundleManifest:
    _check_format(folder)
    manifest = read_manifest(folder, BundleManifest)
    # The manifest vouches for the files, so it is checked first: against its own hash, which is also its folder's name.
    if _content_id(manifest) != manifest.bundle_id or folder.name != manifest.bundle_id:
        raise BundleCorrupt(f"{folder / MANIFEST} does not hash to its own bundle id; restore it", file=MANIFEST)
    if verify:
        verify_files(folder, manifest.files, BundleCorrupt)
    return manifest


def _check_format(folder: Path) -> None:
    """Raise BundleFormatUnsupported for another format, whose manifest may have other fields; a torn one passes."""
    try:
        content = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return
    found = content.get("format_version", FORMAT_VERSION) if isinstance(content, dict) else FORMAT_VERSION
    if found != FORMAT_VERSION:
        raise BundleFormatUnsupported(
            f"{folder} has bundle format {found}, this version reads {FORMAT_VERSION}; "
            "train the bundle again or install the version that wrote it"
        )
