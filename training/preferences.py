"""Preferences: of two items, which answers a query better.

Letters: N preferences, D distinct pairs of items of a query.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.ragged import BoolArray, FloatArray, IntArray
from training.rows import UNKNOWN, IdRows
from training.tables import BETTER_ID, QUERY_ID, WEIGHT, WORSE_ID, read_preferences


@dataclass(frozen=True)
class Preferences:
    """Preferences by query and item row; `weight_N` is 1 where the table has no weights."""

    query_N: IntArray
    better_N: IntArray
    worse_N: IntArray
    weight_N: FloatArray

    def __len__(self) -> int:
        return len(self.query_N)

    @property
    def contradictions(self) -> int:
        """Pairs of items that a query prefers one way in some rows and the other way in others."""
        low_N, high_N = np.minimum(self.better_N, self.worse_N), np.maximum(self.better_N, self.worse_N)
        way_N = self.better_N < self.worse_N
        ways_D4 = np.unique(np.stack([self.query_N, low_N, high_N, way_N], 1), axis=0)
        count_D = np.unique(ways_D4[:, :3], axis=0, return_counts=True)[1]
        return int((count_D == 2).sum())

    def select(self, keep_N: BoolArray) -> "Preferences":
        """Only those marked True."""
        return Preferences(self.query_N[keep_N], self.better_N[keep_N], self.worse_N[keep_N], self.weight_N[keep_N])


def load_preferences(path: Path, queries: IdRows, items: IdRows, *, drop_unknown: bool) -> tuple[Preferences, int]:
    """The table joined by id, and how many rows named an unknown id.

    Raises InvalidTable that names file, row and column of the first fault; unknown ids only without `drop_unknown`.
    """
    table = read_preferences(path)
    query_N = queries.find(table, QUERY_ID, path, drop_unknown=drop_unknown)
    better_N, worse_N = (items.find(table, name, path, drop_unknown=drop_unknown) for name in (BETTER_ID, WORSE_ID))
    weighted = WEIGHT in table.column_names
    weight_N = table[WEIGHT].to_numpy().astype(np.float32) if weighted else np.ones(len(query_N), dtype=np.float32)
    known_N = (query_N != UNKNOWN) & (better_N != UNKNOWN) & (worse_N != UNKNOWN)
    return Preferences(query_N, better_N, worse_N, weight_N).select(known_N), int((~known_N).sum())
