"""A toy world whose features tell the grade: queries with candidates, shown by a noisy ranker.

Letters: Q queries, C candidates, F features.
"""

import numpy as np

from training.click_models.simulate import GradedLists
from training.ragged import FloatArray

MAX_GRADE = 3.0


def toy_lists(n_queries: int, seed: int = 0, n_candidates: int = 5) -> tuple[FloatArray, GradedLists]:
    """Features [Q, C, 4], and lists whose logging ranker sees the true grade through noise."""
    rng = np.random.default_rng(seed)
    feature_QCF = rng.normal(size=(n_queries, n_candidates, 4)).astype(np.float32)
    truth_QC = feature_QCF @ np.array([1.0, -0.8, 0.5, 0.0], dtype=np.float32)
    grade_QC = np.digitize(truth_QC, [0.0, 0.9, 1.7]).astype(np.float32)
    logged_QC = (feature_QCF @ np.array([1.0, 0.3, 0.0, 0.6], dtype=np.float32)).astype(np.float32)
    return feature_QCF, GradedLists(grade_QC, logged_QC, np.ones(grade_QC.shape, dtype=np.bool_), MAX_GRADE)


def ndcg(score_QC: FloatArray, grade_QC: FloatArray) -> float:
    """Mean nDCG over whole lists with gain 2^grade - 1; lists without a gain are left out."""
    gain_QC, discount_C = 2**grade_QC - 1, 1 / np.log2(np.arange(grade_QC.shape[1]) + 2)
    got_Q = (np.take_along_axis(gain_QC, np.argsort(-score_QC, axis=1), axis=1) * discount_C).sum(1)
    best_Q = (-np.sort(-gain_QC, axis=1) * discount_C).sum(1)
    return float((got_Q[best_Q > 0] / best_Q[best_Q > 0]).mean())
