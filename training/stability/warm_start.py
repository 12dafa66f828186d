"""Start from the earlier codebooks, and let each code follow its items by a part of the way.

Axes: N items, D embedding, L levels, K codes of a level.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from training.errors import BadData
from training.quantizers import QuantizerConfig
from training.quantizers.codes import encode_all
from training.quantizers.contract import AdditiveBuilder, Quantizer, QuantizerData
from training.ragged import FloatArray, IntArray
from training.stability.contract import Earlier, EarlierBundle
from training.stability.procrustes import rotation

Books = tuple[FloatArray, ...]


class WarmStartConfig(EarlierBundle):
    """The earlier codebooks, carried into the new space and refined by damped centroid steps."""

    mode: Literal["warm_start"] = "warm_start"
    strength: float = Field(
        default=10.0,
        ge=0,
        description="Weight of where a code stood, in units of its items: at 1 it goes half the way to their mean.",
    )
    passes: int = Field(default=1, ge=0, le=100, description="Centroid steps; 0 only carries the codebooks over.")

    def check(self, config: QuantizerConfig) -> None:
        """Raise ValueError unless codebooks add up in the embedding's own space, where a rotation can carry them."""
        _additive(config)

    def fit(self, config: QuantizerConfig, data: QuantizerData, earlier: Earlier, seed: int, threads: int) -> Quantizer:
        """The earlier quantizer refined on `data`; raises BadData when it cannot be carried over."""
        additive = _additive(config)
        books, code_NL = carried(earlier, _codebooks(earlier), data.embedding_ND), earlier.code_NL
        for _ in range(self.passes):
            books = damped_centroids(data.embedding_ND, code_NL, books, self.strength)
            code_NL = encode_all(additive.assemble(books), data.embedding_ND)
        return additive.assemble(books)


def carried(earlier: Earlier, books: Books, embedding_ND: FloatArray) -> Books:
    """The codebooks in the new space: each code turned as the whole space turned, then moved as its items moved.

    The rotation brings all earlier embeddings nearest to the new ones. What it leaves of every item is divided among
    the item's codes, level by level: a code moves by the mean of what its items have left. So nothing moves when the
    embeddings are the same, a code without items is only turned, and a tower that learned something new takes its codes
    along. Raises BadData when the widths differ.
    """
    _check_width(earlier, embedding_ND)
    rotation_DD = rotation(earlier.embedding_Nd, embedding_ND)
    left_ND = embedding_ND - earlier.embedding_Nd @ rotation_DD
    turned = (book_KD @ rotation_DD for book_KD in books)
    result = []
    for book_KD, code_N in zip(turned, earlier.code_NL.T, strict=True):
        move_KD = _means(left_ND, code_N, np.zeros_like(book_KD))
        left_ND = left_ND - move_KD[code_N]
        result.append(book_KD + move_KD)
    return tuple(result)


def damped_centroids(embedding_ND: FloatArray, code_NL: IntArray, books: Books, strength: float) -> Books:
    """One step, level by level: each code goes 1 / (1 + strength) of the way to the mean of what its items leave to it.

    Items leave to a level what the levels before, moved already, do not code. A code without items stays.
    """
    left_ND, result = embedding_ND, []
    for book_KD, code_N in zip(books, code_NL.T, strict=True):
        moved_KD = book_KD + (_means(left_ND, code_N, book_KD) - book_KD) / np.float32(1 + strength)
        left_ND = left_ND - moved_KD[code_N]
        result.append(moved_KD)
    return tuple(result)


def _means(rows_ND: FloatArray, code_N: IntArray, without_KD: FloatArray) -> FloatArray:
    """The mean row of every code; that of `without_KD` for a code that no row has."""
    count_K1 = np.bincount(code_N, minlength=len(without_KD))[:, None]
    sum_KD = np.zeros(without_KD.shape)
    np.add.at(sum_KD, code_N, rows_ND)
    return np.where(count_K1 > 0, sum_KD / np.maximum(count_K1, 1), without_KD).astype(np.float32)


def _additive(config: QuantizerConfig) -> AdditiveBuilder:
    if not isinstance(config, AdditiveBuilder):
        raise ValueError(
            f"warm_start turns codebooks with the embedding's space, but those of quantizer.kind = '{config.kind}' do "
            "not add up there; set semantic_id_stability.mode = 'match'"
        )
    return config


def _check_width(earlier: Earlier, embedding_ND: FloatArray) -> None:
    old, new = earlier.embedding_Nd.shape[1], embedding_ND.shape[1]
    if old != new:
        raise BadData(
            f"bundle {earlier.bundle_id} has embeddings of {old} dimensions and this training {new}, so its codebooks "
            f"cannot start this one; set dimension = {old}, or semantic_id_stability.mode = 'match'"
        )


def _codebooks(earlier: Earlier) -> Books:
    if earlier.codebooks is None:
        raise BadData(
            f"the codes of bundle {earlier.bundle_id} do not add up in the embedding's space, so its codebooks cannot "
            "start these; set semantic_id_stability.mode = 'match'"
        )
    return earlier.codebooks
