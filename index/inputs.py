"""What one build reads: the bundle, the catalogue with the columns that are kept, and a digest of it all."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from bundle.config import Config
from bundle.errors import BundleNotFound, ConfigError, InvalidTable
from bundle.features import text_columns
from bundle.items import Items
from bundle.session import SessionConfig
from bundle.store import Bundle, list_bundles, open_bundle
from bundle.tower import Tower
from bundle.workspace import Collection
from index.anchor_scores import check_reranker
from index.attributes import attribute_table
from index.catalogue import read_catalogue
from index.config import BuildConfig
from index.content import table_digest
from index.manifest import IN_ROLE_FOLDER
from index.reranked import check_item_columns
from index.semantic_ids import name_texts

ITEM_ROLE = Path()


@dataclass(frozen=True)
class BuildInputs:
    """Everything that a build starts from; relative paths of `config` start at `base`.

    `towers`: the tower that embeds each role, by the role's folder within a version; last the one whose vectors ask.
    `digest` stands for the content of the catalogue and of the other tables that the config names.
    """

    collection: Collection
    config: BuildConfig
    base: Path
    bundle: Bundle
    towers: Mapping[Path, Tower]
    items: Items
    attributes: pa.Table
    texts: pa.Table
    digest: str
    seconds: float


def read_inputs(collection: Collection, config: BuildConfig, base: Path) -> BuildInputs:
    """Open the bundle and read the catalogue.

    Raises ConfigError, BundleNotFound and what opening the bundle raises, or InvalidTable.
    """
    if config.collection != collection.name:
        raise ConfigError(f"the build config is for collection '{config.collection}', not for '{collection.name}'")
    started = time.perf_counter()
    session = SessionConfig(device=config.device, threads=config.threads)
    bundle = open_bundle(collection, config.bundle or _newest_bundle(collection), session)
    towers = _towers(bundle)
    items = _read_items(bundle, towers, config, base)
    attributes = attribute_table(items, config.attributes)
    if bundle.rerankers.cross_encoder is not None:
        check_item_columns(bundle.rerankers.cross_encoder, attributes.column_names)
    if config.cross_encoder_search is not None:
        check_reranker(bundle, config.cross_encoder_search, attributes.column_names)
    return BuildInputs(
        collection=collection,
        config=config,
        base=base,
        bundle=bundle,
        towers=towers,
        items=items,
        attributes=attributes,
        texts=name_texts(config.name_columns, items, attributes),
        digest=_digest(items, config, base),
        seconds=time.perf_counter() - started,
    )


def _towers(bundle: Bundle) -> dict[Path, Tower]:
    if bundle.manifest.queries_are == "items":
        return {ITEM_ROLE: bundle.item, Path(IN_ROLE_FOLDER): bundle.query}
    return {ITEM_ROLE: bundle.item}


def _read_items(bundle: Bundle, towers: Mapping[Path, Tower], config: BuildConfig, base: Path) -> Items:
    features = [feature for tower in towers.values() for feature in tower.featurizer.features]
    ranker = bundle.rerankers.feature_ranker
    features += ranker.spec.item if ranker is not None else ()
    spec, lexical = bundle.manifest.features, config.lexical
    words = lexical.item_fields(spec.item) if lexical else []
    items = read_catalogue(base / config.items, text_columns(features) | set(words))
    if lexical:
        lexical.check(items, spec)
    items.check_columns([feature.name for feature in features])
    return items


def _digest(items: Items, config: BuildConfig, base: Path) -> str:
    digest = hashlib.sha256(table_digest(items.table).encode())
    for path in _paths(config.model_copy(update={"items": None})):
        try:
            digest.update(hashlib.sha256((base / path).read_bytes()).digest())
        except OSError as error:
            raise InvalidTable(f"cannot read {base / path}: {error.strerror}", path=str(base / path)) from error
    return digest.hexdigest()


def _paths(config: Config) -> Iterator[Path]:
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, Path):
            yield value
        elif isinstance(value, Config):
            yield from _paths(value)


def _newest_bundle(collection: Collection) -> str:
    bundles = list_bundles(collection)
    if not bundles:
        raise BundleNotFound(f"collection '{collection.name}' has no bundle; train one first")
    return bundles[-1]
