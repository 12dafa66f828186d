"""What every split gives: three disjoint sets of interaction rows.

Letters: N interaction rows.
"""

from dataclasses import dataclass

import numpy as np

from training.errors import BadSplit
from training.ragged import BoolArray, IntArray


@dataclass(frozen=True)
class Split:
    """Interaction row numbers of the three parts: ascending and disjoint; train and test are never empty."""

    train_N: IntArray
    validation_N: IntArray
    test_N: IntArray

    @classmethod
    def from_masks(cls, train_N: BoolArray, validation_N: BoolArray, test_N: BoolArray, made_by: str) -> "Split":
        """Turn row masks into row numbers; BadSplit when train or test is empty."""
        for name, mask_N in (("train", train_N), ("test", test_N)):
            if not mask_N.any():
                raise BadSplit(
                    f"the split '{made_by}' leaves {name} empty ({len(mask_N)} interactions); change its settings",
                    part=name,
                )
        return cls(*(np.flatnonzero(mask_N).astype(np.int64) for mask_N in (train_N, validation_N, test_N)))
