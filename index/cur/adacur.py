"""ADACUR: anchor items of each query's own, found in rounds.

Yadav et al. (2024), section 3. P pool, Q anchor queries, A items scored so far.
"""

import numpy as np

from index.cur.anncur import Scores
from index.cur.paid_scores import IntArray, PaidScores


def adacur(score_PQ: Scores, pool_rows_P: IntArray, paid: PaidScores, rounds: int, rcond: float) -> None:
    """Spend what is left on the rows of a pool in `rounds` equal parts, all of it, or until the pool is scored.

    The first part goes to the first rows of the pool, which stands in the order of a cheaper ranking; every later one
    to the rows that the scores so far make look best. `score_PQ`: scores of the pool's rows for the anchor queries.
    """
    scored_P = np.zeros(len(pool_rows_P), dtype=np.bool_)
    budget = min(paid.left, len(pool_rows_P))
    places_A = np.empty(0, dtype=np.int64)
    for part in np.array_split(np.arange(budget), min(rounds, max(budget, 1))):
        if len(places_A) == 0:
            best = part
        else:
            estimate_P = estimate(score_PQ, places_A, paid.scores_A[-len(places_A) :], rcond)
            estimate_P[scored_P] = -np.inf
            best = np.argsort(-estimate_P, kind="stable")[: len(part)]
        paid.pay(pool_rows_P[best])
        scored_P[best] = True
        places_A = np.concatenate([places_A, best])


def estimate(score_PQ: Scores, places_A: IntArray, known_A: Scores, rcond: float) -> Scores:
    """Scores [P] of a query from those it is known to have at some places: f(q, A) pinv(R_A) R.

    Solved in float64; singular values below `rcond` of the largest count as zero.
    """
    mixture_Q = np.linalg.lstsq(score_PQ[places_A].astype(np.float64), known_A.astype(np.float64), rcond=rcond)[0]
    estimate_P: Scores = score_PQ @ mixture_Q.astype(score_PQ.dtype)
    return estimate_P
