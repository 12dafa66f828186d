"""Shown lists and what was clicked in them, as arrays.

Letters: Q shown lists, K places of the longest, V items shown in all of them.
"""

from dataclasses import dataclass

import numpy as np

from training.errors import BadData
from training.ragged import BoolArray, FloatArray, IntArray

_SPREAD = 1e-3


@dataclass(frozen=True)
class ClickLog:
    """Q lists of up to K items, in any column order; `mask_QK` is False where a column only pads.

    `pair_QK` numbers the query and item of a place from 0 to `n_pairs` - 1, and is 0 in padding. `position_QK` is the
    place from 1, and 0 in padding. `propensity_QK` is the probability that somebody looks at the place, `grade_QK` the
    true grade; both are None where the log has none, and 0 in padding.
    """

    pair_QK: IntArray
    click_QK: BoolArray
    mask_QK: BoolArray
    position_QK: IntArray
    n_pairs: int
    propensity_QK: FloatArray | None = None
    grade_QK: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.pair_QK)

    @property
    def n_places(self) -> int:
        """The last place at which anything was shown."""
        return int(self.position_QK.max())

    def teaching_rows(self) -> IntArray:
        """The lists that a listwise loss learns from: something was clicked and there was something else to click.

        Raises BadData when there are none.
        """
        rows = np.flatnonzero(self.click_QK.any(1) & (self.mask_QK.sum(1) > 1)).astype(np.int64)
        if not len(rows):
            raise BadData(
                "no shown list has both a click and a second item, so the click log teaches no order; log whole lists, "
                "with the items that were not clicked"
            )
        return rows

    def shown_by_place(self) -> IntArray:
        """Items shown [places] at each place from the first on."""
        return self._by_place(self.mask_QK)

    def clicks_by_place(self) -> IntArray:
        """Clicks [places] at each place from the first on."""
        return self._by_place(self.click_QK)

    def _by_place(self, counted_QK: BoolArray) -> IntArray:
        return np.bincount(self.position_QK[counted_QK], minlength=self.n_places + 1)[1:].astype(np.int64)

    def place_propensities(self) -> FloatArray:
        """The logged propensity of every place, over that of the first.

        Raises BadData when the log has none, lacks a place, or gives one place several: the position-based model has
        one propensity a place.
        """
        if self.propensity_QK is None:
            raise BadData("the click log has no column 'propensity'; add it, or set click_model.propensities")
        propensity_V, place_V = self.propensity_QK[self.mask_QK].astype(np.float64), self.position_QK[self.mask_QK] - 1
        shown_K = self.shown_by_place()
        if (shown_K == 0).any():
            place = int(np.argmax(shown_K == 0)) + 1
            raise BadData(f"nothing was shown at place {place}, so the click log has no propensity for it")
        mean_K = np.bincount(place_V, propensity_V, self.n_places) / shown_K
        far_V = np.abs(propensity_V - mean_K[place_V]) > _SPREAD * mean_K[place_V]
        if far_V.any():
            place = int(place_V[far_V][0])
            at_V = propensity_V[place_V == place]
            raise BadData(
                f"place {place + 1} has propensities from {at_V.min():g} to {at_V.max():g}; give the probability that "
                "somebody looks at the place, which is one number a place"
            )
        relative_K: FloatArray = (mean_K / mean_K[0]).astype(np.float32)
        return relative_K
