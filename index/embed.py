"""The catalogue through a tower, shard by shard, into one file of vectors.

N corpus, D embedding, S shard.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.columns import EncodedRecords, RaggedColumn
from bundle.errors import InvalidRecord, InvalidTable
from bundle.items import Items
from bundle.progress import Progress
from bundle.store import Bundle
from bundle.tower import Tower
from index.errors import EmbeddingFailed
from index.reuse import KnownVectors

UNIT_TOLERANCE = 1e-3
FloatArray = NDArray[np.float32]


def embed_items(
    bundle: Bundle,
    tower: Tower,
    items: Items,
    path: Path,
    progress: Progress,
    *,
    shard_size: int,
    batch_size: int,
    known: KnownVectors | None = None,
) -> FloatArray:
    """Write the embeddings of `items` by a tower of `bundle`, in row order, to the .npy file `path`.

    Returns them mapped, [N, D]. What is `known` is copied and the rest of the items embedded. Memory stays bounded by
    the records of one shard and the arrays of one batch. Raises InvalidTable naming the item of a bad feature,
    EmbeddingFailed naming items whose embedding is not finite, or not of unit length where the bundle's metric is
    cosine.
    """
    if not len(items):
        raise InvalidTable(f"{items.source} has no rows; a catalogue needs at least one item", path=items.source)
    vectors_ND = _new_file(path, len(items), bundle.manifest.dimension)
    items.check_columns(tower.featurizer.names)
    table = items.table.select(list(dict.fromkeys(["item_id", *tower.featurizer.names])))
    missing = np.arange(len(items)) if known is None else known.copy_into(vectors_ND)
    progress.start("embed items", len(missing))
    for start in range(0, len(missing), shard_size):
        rows_S = missing[start : start + shard_size]
        shard = Items(table.take(pa.array(rows_S)), items.source)
        vectors_SD = _embed_shard(tower, _encode_shard(tower, shard), batch_size)
        _check(bundle, shard, vectors_SD)
        vectors_ND[rows_S] = vectors_SD
        if known is not None:
            known.keep(rows_S, vectors_SD)
        progress.advance(len(rows_S))
    progress.finish()
    vectors_ND.flush()
    mapped: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def _new_file(path: Path, count: int, dimension: int) -> "np.memmap[Any, np.dtype[np.float32]]":
    """The vectors of a new .npy file, mapped for writing; raises OSError where the disk is full."""
    vectors_ND = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, dimension))
    with path.open("r+b") as file:  # writing to a mapping of a full disk would kill the process
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return vectors_ND


def _encode_shard(tower: Tower, shard: Items) -> EncodedRecords:
    try:
        return tower.featurizer.encode(shard.records(tower.featurizer.names))
    except InvalidRecord as error:
        item_id = shard.item_ids[int(str(error.context["position"]))]
        raise InvalidTable(
            f"{shard.source}, item '{item_id}', column '{error.context['feature']}': {error.__cause__ or error}",
            path=shard.source,
            item_id=item_id,
            column=error.context["feature"],
        ) from error


def _embed_shard(tower: Tower, encoded: EncodedRecords, batch_size: int) -> FloatArray:
    # A batch is as wide as its longest text, so texts of like length go together.
    order_S = np.argsort(_lengths(encoded), kind="stable")
    vectors_SD = np.empty((len(encoded), tower.dimension), dtype=np.float32)
    for start in range(0, len(encoded), batch_size):
        rows_B = order_S[start : start + batch_size]
        vectors_SD[rows_B] = tower.embed_batch(encoded.batch(rows_B))
    return vectors_SD


def _lengths(encoded: EncodedRecords) -> NDArray[np.int64]:
    lengths_S = np.zeros(len(encoded), dtype=np.int64)
    for column in encoded.columns.values():
        if isinstance(column, RaggedColumn) and column.width is None:
            lengths_S += np.diff(column.offsets_N1)
    return lengths_S


def _check(bundle: Bundle, shard: Items, vectors_SD: FloatArray) -> None:
    infinite = np.flatnonzero(~np.isfinite(vectors_SD).all(axis=1))
    if len(infinite):
        raise EmbeddingFailed(
            f"bundle '{bundle.bundle_id}' gives embeddings with NaN or infinity for {_named(shard, infinite)}; "
            "train it again, or leave these items out"
        )
    if bundle.manifest.metric == "cosine":
        norms_S = np.linalg.norm(vectors_SD, axis=1)
        wrong = np.flatnonzero((np.abs(norms_S - 1) > UNIT_TOLERANCE) & (norms_S > 0))
        if len(wrong):
            raise EmbeddingFailed(
                f"bundle '{bundle.bundle_id}' says its metric is cosine, but the embeddings of "
                f"{_named(shard, wrong)} are not of unit length; export it again"
            )


def _named(shard: Items, places: NDArray[np.int64]) -> str:
    names = ", ".join(repr(shard.item_ids[int(place)]) for place in places[:5])
    return f"{len(places)} items, among them {names}" if len(places) > 1 else f"item {names}"
