"""Split by a column that names each interaction's part."""

from typing import Literal

import numpy as np

from bundle.config import Config
from training.dataset import Dataset
from training.errors import BadSplit
from training.splits.contract import Split

PARTS = ("train", "validation", "test")


class ColumnSplit(Config):
    """The interactions' `split` column says train, validation (also valid, val, dev) or test."""

    kind: Literal["column"] = "column"

    def split(self, dataset: Dataset) -> Split:
        """Follow the column; BadSplit for a missing column, another value, or an empty train or test."""
        split_N = dataset.interactions.split_N
        if split_N is None:
            raise BadSplit("the split 'column' needs a column 'split' in the interactions table")
        part_N = np.where(np.isin(split_N, ("valid", "val", "dev")), "validation", split_N)
        wrong = np.flatnonzero(~np.isin(part_N, PARTS))
        if len(wrong) > 0:
            raise BadSplit(
                f"column 'split' holds '{split_N[wrong[0]]}'; it must be one of: {', '.join(PARTS)}",
                value=str(split_N[wrong[0]]),
            )
        train_N, validation_N, test_N = (np.asarray(part_N == part) for part in PARTS)
        return Split.from_masks(train_N, validation_N, test_N, made_by="column")
