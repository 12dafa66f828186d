"""What a quantizer learns from, and what it leaves behind: codebooks and two graphs.

Axes: N items, B embeddings of a batch, D embedding, L levels, K codes of a level, P pairs of a query and an item.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from torch import nn

from training.interactions import Interactions
from training.ragged import FloatArray, IntArray


@dataclass(frozen=True)
class Behaviour:
    """Who took what in the part that is trained on: query and item row of every pair, in the order of time."""

    query_P: IntArray
    item_P: IntArray
    n_queries: int

    @classmethod
    def of(cls, interactions: Interactions, rows: IntArray, n_queries: int) -> "Behaviour":
        """The pairs of these interaction rows; those of one moment, and all without a timestamp, in row order."""
        if interactions.timestamp_N is not None:
            rows = rows[np.argsort(interactions.timestamp_N[rows], kind="stable")]
        return cls(interactions.query_N[rows], interactions.item_N[rows], n_queries)

    @property
    def has_pairs(self) -> bool:
        """Whether some query took two different items."""
        pair_2M = np.unique(np.stack([self.query_P, self.item_P]), axis=1)
        return bool(len(np.unique(pair_2M[0])) < pair_2M.shape[1])


@dataclass(frozen=True)
class QuantizerData:
    """The embeddings of the catalogue, and the behaviour that an aligned quantizer reads too."""

    embedding_ND: FloatArray
    behaviour: Behaviour | None = None


@dataclass(frozen=True)
class Quantizer:
    """A trained quantizer. `encode` maps float32 [B, D] to int64 [B, L], `decode` maps it back; both export to ONNX.

    `codebooks` has one float32 [K, d] a level, in the space where levels add up: the embedding's own, or a latent one.
    """

    codebooks: tuple[FloatArray, ...]
    encode: nn.Module
    decode: nn.Module

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level."""
        return tuple(len(codebook_KD) for codebook_KD in self.codebooks)


class QuantizerBuilder(Protocol):
    """A quantizer's config."""

    def check(self, n_items: int) -> None:
        """Raise BadData, before anything is trained, when a catalogue of `n_items` is too small."""

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Learn codebooks; equal data and seed give equal codebooks. Raises BadData when there is too little."""


@runtime_checkable
class AdditiveBuilder(Protocol):
    """The config of a quantizer whose codebooks add up in the embedding's own space; others do not have this method."""

    def assemble(self, codebooks: tuple[FloatArray, ...]) -> Quantizer:
        """The quantizer with these codebooks float32 [K, D], one a level."""
