"""What an earlier bundle says of today's catalogue, and what a mode makes of it.

Axes: N items, d the earlier embedding, L levels, K codes of a level.
"""

from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from bundle.config import Config
from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer, QuantizerData
from training.ragged import FloatArray, IntArray

NEWEST = "newest"


@dataclass(frozen=True)
class Earlier:
    """An earlier bundle's embeddings and codes of the items that the catalogue has now, by item row.

    `codebooks` has one float32 [K, d] a level whose chosen rows sum to what the bundle decodes; None where it has none.
    """

    bundle_id: str
    embedding_Nd: FloatArray
    code_NL: IntArray
    codebooks: tuple[FloatArray, ...] | None


class EarlierBundle(Config):
    """The field that every mode has."""

    bundle: str = Field(
        default=NEWEST,
        description="Bundle of the collection whose codes count as the earlier ones: an id, or 'newest' for the newest "
        "that has semantic IDs. The bundle remembers which it was.",
    )


class StabilityMode(Protocol):
    """A mode's config."""

    @property
    def bundle(self) -> str:
        """An id, or 'newest'."""

    def check(self, config: QuantizerConfig) -> None:
        """Raise ValueError when this kind of quantizer cannot be kept so."""

    def fit(self, config: QuantizerConfig, data: QuantizerData, earlier: Earlier, seed: int, threads: int) -> Quantizer:
        """A quantizer of `data` that stays near `earlier`; raises BadData."""
