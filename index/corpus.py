"""What an index kind is built over.

N corpus, D embedding, L levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.quantizer import SemanticIdCodec
from bundle.semantic_id import IntArray


@dataclass(frozen=True)
class CorpusCodes:
    """The codes [N, L] of every row, and the codec that gave them."""

    codec: SemanticIdCodec
    codes_NL: IntArray


@dataclass(frozen=True)
class Corpus:
    """The embeddings of a catalogue in row order, usually mapped; `codes` is None where the bundle has no quantizer."""

    vectors_ND: NDArray[np.float32]
    codes: CorpusCodes | None = None

    def __len__(self) -> int:
        return len(self.vectors_ND)
