"""ANNCUR: one set of anchor items for all queries, and an embedding of every item over it.

Yadav et al. (2022), section 3. N corpus, Q anchor queries, I anchor items, P candidate rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.cur.paid_scores import IntArray, PaidScores

Scores = NDArray[np.floating]
REGULARISED = 0.01
"""Least `rcond` that tames the pseudo-inverse where there are about as many anchor queries as anchor items."""
UNSTABLE_RATIO = (0.8, 1.25)


@dataclass(frozen=True, eq=False)
class AnchorEmbeddings:
    """Embeddings [N, I] of items: times a query's scores of the anchor items they estimate its scores of all.

    `condition`: largest over smallest singular value of the anchors' scores, infinite where they are singular.
    """

    embedding_NI: Scores
    condition: float


def check_anchors(n_queries: int, n_items: int, rcond: float) -> None:
    """ValueError where the pseudo-inverse would blow up noise: near a square matrix it has tiny singular values."""
    low, high = UNSTABLE_RATIO
    if rcond < REGULARISED and low < n_items / n_queries < high:
        raise ValueError(
            f"{n_items} anchor items and {n_queries} anchor queries are about as many, so that rcond = {rcond} would "
            f"blow up noise; set rcond to {REGULARISED} or more, or take at most {int(low * n_queries)} anchor items"
        )


def embed_over_anchors(score_NQ: Scores, anchor_rows_I: IntArray, rcond: float) -> AnchorEmbeddings:
    """Embeddings of all items from their scores for the anchor queries; the pseudo-inverse is taken in float64.

    Singular values below `rcond` of the largest count as zero. Raises ValueError as `check_anchors`.
    """
    check_anchors(score_NQ.shape[1], len(anchor_rows_I), rcond)
    anchor_IQ = score_NQ[anchor_rows_I].astype(np.float64)
    inverse_QI = np.linalg.pinv(anchor_IQ, rcond=rcond)
    return AnchorEmbeddings(score_NQ @ inverse_QI.astype(score_NQ.dtype), condition_number(anchor_IQ))


def condition_number(matrix: Scores) -> float:
    """Largest over smallest singular value, infinite where the smallest is zero."""
    values = np.linalg.svd(matrix, compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else float("inf")


def anncur(
    embedding_NI: Scores, mean: float, anchor_rows_I: IntArray, candidate_rows_P: IntArray | None, paid: PaidScores
) -> None:
    """Spend what is left: on the anchor items, then on the candidates that they make look best.

    `mean`: what was taken from all scores before the items were embedded. A cross-encoder whose scores are all far from
    zero would else have one singular value beside which `rcond` drops all others. `candidate_rows_P`: rows that may be
    hits, ascending; None for all. Anchor items cost their calls whether they may be hits or not.
    """
    anchor_scores_I = paid.pay(anchor_rows_I)
    if candidate_rows_P is None:
        rows_P, embedding_PI = np.arange(len(embedding_NI)), embedding_NI
    else:
        rows_P, embedding_PI = candidate_rows_P, embedding_NI[candidate_rows_P]
    estimate_P = embedding_PI @ (anchor_scores_I - mean).astype(embedding_NI.dtype)
    new_P = ~np.isin(rows_P, anchor_rows_I)
    rows_P, estimate_P = rows_P[new_P], estimate_P[new_P]
    paid.pay(rows_P[np.argsort(-estimate_P, kind="stable")[: paid.left]])
