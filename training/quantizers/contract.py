"""What a quantizer leaves behind: codebooks and two graphs.

Axes: N embeddings, B embeddings of a batch, D embedding, L levels, K codes a level.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import nn

from training.ragged import FloatArray


@dataclass(frozen=True)
class Quantizer:
    """A trained quantizer. `encode` maps float32 [B, D] to int64 [B, L], `decode` maps it back; both export to ONNX."""

    codebooks_LKD: FloatArray
    encode: nn.Module
    decode: nn.Module

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level."""
        return tuple(len(codebook_KD) for codebook_KD in self.codebooks_LKD)


class QuantizerBuilder(Protocol):
    """A quantizer's config."""

    def check(self, n_items: int) -> None:
        """Raise BadData, before anything is trained, when a catalogue of `n_items` is too small."""

    def fit(self, embedding_ND: FloatArray, seed: int, threads: int) -> Quantizer:
        """Learn codebooks; equal embeddings and seed give equal codebooks. Raises BadData when there are too few."""
