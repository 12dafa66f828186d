"""Short lists of candidates with real grades, each candidate described by numbers: what click models are measured on.

Letters: Q queries, C candidates of each, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from training.click_models.simulate import GradedLists
from training.metrics import graded_ndcg
from training.ragged import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class GradedTask:
    """Lists whose `lists.score_QC` are those of the ranker that is logged.

    `test_Q` marks the test queries; where it is None every query is tested, by a scorer trained on the other half.
    """

    name: str
    lists: GradedLists
    feature_QCF: FloatArray
    test_Q: BoolArray | None = None

    def folds(self, seed: int) -> list[tuple[IntArray, IntArray]]:
        """Training and test queries: as the task splits them, or two halves drawn with the seed, each tested once."""
        rows = np.arange(len(self.lists.grade_QC), dtype=np.int64)
        if self.test_Q is not None:
            return [(rows[~self.test_Q], rows[self.test_Q])]
        drawn = np.random.default_rng(seed).permutation(rows)
        halves = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
        return [(halves[0], halves[1]), (halves[1], halves[0])]

    def ndcg(self, score_QC: FloatArray, rows: IntArray, k: int = 10) -> float:
        """nDCG@k on the true grades of those queries, gain 2^grade - 1; tied scores take the middle rank."""
        mask_QC = self.lists.mask_QC[rows]
        rank_QC = rankdata(np.where(mask_QC, -score_QC[rows], np.inf), axis=1)
        gain_QC = (2 ** self.lists.grade_QC[rows] - 1).astype(np.float32)
        row_V = np.nonzero(mask_QC)[0].astype(np.int64)
        return graded_ndcg(rank_QC[mask_QC], row_V, gain_QC[mask_QC], len(rows), (k,))[f"graded_ndcg@{k}"]


def padded(rows: Sequence[FloatArray]) -> tuple[FloatArray, BoolArray]:
    """Rows of different lengths, of numbers or of vectors, as one array with zeros, and where it is none."""
    most = max(map(len, rows))
    array = np.zeros((len(rows), most, *rows[0].shape[1:]), dtype=np.float32)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array, np.arange(most) < np.array([[len(row)] for row in rows])
