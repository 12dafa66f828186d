"""What the bundle's feature ranker reads of the items of a version: written by the build, mapped by the service.

N corpus, S numbers of an item, C categories, L levels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bundle.columns import EncodedRecords
from bundle.errors import InvalidRecord, InvalidTable
from bundle.items import Items
from bundle.rerankers.feature_ranker import FeatureRanker
from bundle.rerankers.pair_features import FloatArray, IntArray, ItemSide
from index.corpus import CorpusCodes
from index.manifest import FEATURE_CODES_FILE, FEATURE_NUMBERS_FILE


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Numbers [N, S] of the corpus; `code_NX`: its categories, and behind them its raw semantic IDs."""

    number_NS: FloatArray
    code_NX: IntArray

    def side(self, n_categories: int, vectors_ND: FloatArray) -> ItemSide:
        """With the vectors, what a ranker of `n_categories` reads."""
        return ItemSide(vectors_ND, self.number_NS, self.code_NX[:, :n_categories], self.code_NX[:, n_categories:])


def write_feature_rows(
    folder: Path, ranker: FeatureRanker | None, items: Items, codes: CorpusCodes | None, shard_size: int
) -> None:
    """Write the two files of a version, none where the bundle has no feature ranker.

    Raises InvalidTable for a value that the ranker's columns cannot take.
    """
    if ranker is None:
        return
    encoded = _encoded(ranker, items, shard_size).batch() if ranker.spec.item else {}
    number_NS, category_NC = ranker.item_arrays(items.table["item_id"], encoded)
    parts = [category_NC] if codes is None else [category_NC, codes.codes_NL]
    np.save(folder / FEATURE_NUMBERS_FILE, number_NS)
    np.save(folder / FEATURE_CODES_FILE, np.concatenate(parts, axis=1).astype(np.int64))


def open_feature_rows(folder: Path, *, mmap: bool) -> FeatureRows | None:
    """What `write_feature_rows` wrote; None where the bundle has no feature ranker."""
    if not (folder / FEATURE_NUMBERS_FILE).exists():
        return None
    mode: Literal["r"] | None = "r" if mmap else None
    number_NS, code_NX = (
        np.load(folder / name, mmap_mode=mode, allow_pickle=False)
        for name in (FEATURE_NUMBERS_FILE, FEATURE_CODES_FILE)
    )
    return FeatureRows(number_NS, code_NX)


def _encoded(ranker: FeatureRanker, items: Items, shard_size: int) -> EncodedRecords:
    featurizer, parts = ranker.features.item_featurizer, []
    for start in range(0, len(items), shard_size):
        records = items.records(featurizer.names, start, start + shard_size)
        try:
            parts.append(featurizer.encode(records))
        except InvalidRecord as error:
            row = start + int(str(error.context["position"])) + 1
            raise InvalidTable(
                f"{items.source}, item '{items.item_ids[row - 1]}', column '{error.context['feature']}' "
                f"{error.__cause__}",
                path=items.source,
                column=str(error.context["feature"]),
            ) from error
    return EncodedRecords.concatenate(parts)
