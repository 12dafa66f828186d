"""The catalogue through a tower, shard by shard, into one file of vectors.

N corpus, D embedding, S shard.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.columns import EncodedRecords, RaggedColumn
from bundle.errors import InvalidRecord, InvalidTable
from bundle.items import Items
from bundle.progress import Progress
from bundle.store import Bundle
from bundle.tower import Tower
from index.errors import EmbeddingFailed

UNIT_TOLERANCE = 1e-3
FloatArray = NDArray[np.float32]


def embed_items(
    bundle: Bundle, tower: Tower, items: Items, path: Path, progress: Progress, *, shard_size: int, batch_size: int
) -> FloatArray:
    """Write the embeddings of `items` by a tower of `bundle`, in row order, to the .npy file `path`.

    Returns them mapped, [N, D]. Memory stays bounded by the records of one shard and the arrays of one batch. Raises
    InvalidTable naming the item of a bad feature, EmbeddingFailed naming items whose embedding is not finite, or not of
    unit length where the bundle's metric is cosine.
    """
    if not len(items):
        raise InvalidTable(f"{items.source} has no rows; a catalogue needs at least one item", path=items.source)
    shape = (len(items), bundle.manifest.dimension)
    vectors_ND = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    progress.start("embed items", len(items))
    for start in range(0, len(items), shard_size):
        encoded = _encode_shard(tower, items, start, start + shard_size)
        vectors_SD = _embed_shard(tower, encoded, batch_size)
        _check(bundle, items, start, vectors_SD)
        vectors_ND[start : start + len(vectors_SD)] = vectors_SD
        progress.advance(len(vectors_SD))
    progress.finish()
    vectors_ND.flush()
    mapped: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def _encode_shard(tower: Tower, items: Items, start: int, stop: int) -> EncodedRecords:
    try:
        return tower.featurizer.encode(items.records(tower.featurizer.names, start, stop))
    except InvalidRecord as error:
        item_id = items.item_ids[start + int(str(error.context["position"]))]
        raise InvalidTable(
            f"{items.source}, item '{item_id}', column '{error.context['feature']}': {error.__cause__ or error}",
            path=items.source,
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


def _check(bundle: Bundle, items: Items, start: int, vectors_SD: FloatArray) -> None:
    infinite = np.flatnonzero(~np.isfinite(vectors_SD).all(axis=1))
    if len(infinite):
        raise EmbeddingFailed(
            f"bundle '{bundle.bundle_id}' gives embeddings with NaN or infinity for {_named(items, start, infinite)}; "
            "train it again, or leave these items out"
        )
    if bundle.manifest.metric == "cosine":
        norms_S = np.linalg.norm(vectors_SD, axis=1)
        wrong = np.flatnonzero((np.abs(norms_S - 1) > UNIT_TOLERANCE) & (norms_S > 0))
        if len(wrong):
            raise EmbeddingFailed(
                f"bundle '{bundle.bundle_id}' says its metric is cosine, but the embeddings of "
                f"{_named(items, start, wrong)} are not of unit length; export it again"
            )


def _named(items: Items, start: int, places: NDArray[np.int64]) -> str:
    names = ", ".join(repr(items.item_ids[start + int(place)]) for place in places[:5])
    return f"{len(places)} items, among them {names}" if len(places) > 1 else f"item {names}"
