"""Which of the items found may be negatives: those that score like a positive are likely to be one.

Letters: Q queries, V pairs.
"""

import numpy as np

from training.ragged import BoolArray, FloatArray, Ragged


def lowest(pairs: Ragged, score_V: FloatArray) -> FloatArray:
    """The lowest score of each row's pairs that have one, NaN for a row without."""
    lowest_Q = np.full(len(pairs), np.inf, dtype=np.float32)
    np.fmin.at(lowest_Q, pairs.row_index_V, score_V)
    lowest_Q[np.isinf(lowest_Q)] = np.nan
    return lowest_Q


def below_positive(
    found: Ragged,
    score_V: FloatArray,
    positive_Q: FloatArray,
    *,
    relative: float | None = None,
    absolute: float | None = None,
    ceiling: float | None = None,
) -> BoolArray:
    """True where a pair scores less than every limit that is given.

    `relative`: s < p - |p| * relative, with p the lowest positive score of the query (the 95 % rule at 0.05;
    NV-Retriever, 2024). `absolute`: s < p - absolute. `ceiling`: s <= ceiling. Where p is NaN it sets no limit.
    """
    keep_V = np.ones(len(score_V), dtype=np.bool_)
    positive_V = positive_Q[found.row_index_V]
    if relative is not None:
        keep_V &= ~(score_V >= positive_V - np.abs(positive_V) * relative)
    if absolute is not None:
        keep_V &= ~(score_V >= positive_V - absolute)
    if ceiling is not None:
        keep_V &= score_V <= ceiling
    return keep_V


def judged_below(found: Ragged, judge_V: FloatArray, positive_Q: FloatArray, margin: float) -> BoolArray:
    """False where the judge's score is above that of the query's lowest judged positive, less `margin`.

    UniME-V2, section 3. A pair that was not judged (NaN), or whose query has no judged positive, stays.
    """
    too_high_V: BoolArray = judge_V > positive_Q[found.row_index_V] - margin
    return ~too_high_V
