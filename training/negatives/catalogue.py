"""The whole catalogue as negatives: the full softmax.

Axes: N items of the catalogue, P targets of the batch.
"""

from typing import Literal

import numpy as np

from training.negatives.contract import Negatives, NegativesSettings, Pool
from training.ragged import IntArray


class CatalogueConfig(NegativesSettings):
    """Every item, in every batch: nothing is sampled, so nothing is corrected. For catalogues up to some 10,000."""

    kind: Literal["catalogue"] = "catalogue"

    def build(self, item_counts_N: IntArray) -> Negatives:
        """The sampler for a catalogue of that many items."""
        return WholeCatalogue(len(item_counts_N))


class WholeCatalogue:
    """Each item once, in the order of the catalogue."""

    def __init__(self, n_items: int) -> None:
        self._pool = Pool(np.arange(n_items, dtype=np.int64), np.ones(n_items, dtype=np.int64), None)

    def pool(self, target_rows_P: IntArray, rng: np.random.Generator) -> Pool:
        """All items; `target_rows_P` and `rng` do not matter."""
        return self._pool
