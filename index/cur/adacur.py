"""ADACUR: anchor items of each query's own, found in rounds.

Yadav et al. (2024), section 3. The paper estimates whole scores; here a cheaper ranking's score may be the first guess,
and only what the cross-encoder says otherwise is estimated. P pool, Q anchor queries, A items scored so far.
"""

import numpy as np

from index.cur.anncur import Scores
from index.cur.paid_scores import IntArray, PaidScores


def adacur(
    score_PQ: Scores, prior_P: Scores, pool_rows_P: IntArray, paid: PaidScores, rounds: int, rcond: float
) -> None:
    """Spend what is left on the rows of a pool in `rounds` equal parts: all of it, or until the pool is scored.

    `prior_P`: a first guess at the query's scores, zeros for none; `score_PQ`: what the anchor queries score beyond
    their own first guesses. The first part goes to the first rows of the pool, which stands in the order of a cheaper
    ranking; every later one to the rows that the scores so far make look best.
    """
    budget = min(paid.left, len(pool_rows_P))
    places_A = np.empty(0, dtype=np.int64)
    known_A = np.empty(0, dtype=np.float64)
    for part in np.array_split(np.arange(budget), min(rounds, max(budget, 1))):
        best = part
        if len(places_A) > 0:
            estimate_P = prior_P + estimate(score_PQ, places_A, known_A, rcond)
            estimate_P[places_A] = -np.inf
            best = np.argsort(-estimate_P, kind="stable")[: len(part)]
        known_A = np.concatenate([known_A, paid.pay(pool_rows_P[best]) - prior_P[best]])
        places_A = np.concatenate([places_A, best])


def estimate(score_PQ: Scores, places_A: IntArray, known_A: Scores, rcond: float) -> Scores:
    """Scores [P] of a query from those it is known to have at some places: f(q, A) pinv(R_A) R.

    Solved in float64; singular values below `rcond` of the largest count as zero.
    """
    mixture_Q = np.linalg.lstsq(score_PQ[places_A].astype(np.float64), known_A.astype(np.float64), rcond=rcond)[0]
    estimate_P: Scores = score_PQ @ mixture_Q.astype(score_PQ.dtype)
    return estimate_P
