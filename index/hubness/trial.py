"""What becomes of the hits of held-back queries under a bias.

Letters: N items, Q queries, D embedding, R candidates, K hits.
"""

from typing import Literal

import faiss
import numpy as np

from bundle.hubness import Hubness, K
from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW, FloatArray, IntArray
from index.hubness.bias import HubnessBias
from index.hubness.config import METHODS, HubnessMethod
from index.hubness.report import HubnessMeasure

MOST_SEARCHED_WHOLE = 100  # queries whose whole ranking is sorted
N_CANDIDATES = 2_000


class Trial:
    """Held-back queries with their best candidates, to be ranked again under one bias after another."""

    def __init__(self, vectors_ND: FloatArray, held: Asking) -> None:
        """Search exactly, so that what is measured is the bias and not an index."""
        self._held = held
        self._vectors_ND = vectors_ND
        self._n_items = len(vectors_ND)
        has_own = bool((held.own_rows_Q != NO_ROW).any())
        self.k = min(K, self._n_items - has_own)
        depth = min(N_CANDIDATES + has_own, self._n_items)
        queries_QD = np.ascontiguousarray(held.vectors_QD)
        scores_QR, rows_QR = faiss.knn(queries_QD, vectors_ND, depth, metric=faiss.METRIC_INNER_PRODUCT)
        scores_QR[rows_QR == held.own_rows_Q[:, None]] = -np.inf
        order_QR = np.argsort(-scores_QR, axis=1, kind="stable")[:, : depth - has_own]
        self._scores_QR: FloatArray = np.take_along_axis(scores_QR, order_QR, axis=1)
        self._rows_QR: IntArray = np.take_along_axis(rows_QR, order_QR, axis=1)

    def rows(self, bias: HubnessBias, method: HubnessMethod | Literal["off"]) -> IntArray:
        """The k best rows [Q, K]."""
        if method == "off":
            return self._rows_QR[:, : self.k]
        order_QR = np.argsort(-(self._scores_QR + bias.of(method, self._rows_QR)), axis=1, kind="stable")
        return np.take_along_axis(self._rows_QR, order_QR[:, : self.k], axis=1)

    def recall_at_1(self, rows_QK: IntArray) -> float | None:
        """Share of first hits that are the positive, None where no query has one."""
        known_Q = self._held.positive_rows_Q != NO_ROW
        if not known_Q.any():
            return None
        return float((rows_QK[known_Q, 0] == self._held.positive_rows_Q[known_Q]).mean())

    def depths(self, bias: HubnessBias) -> dict[HubnessMethod, IntArray]:
        """How deep the k best under each method lie without it: places from 0, [K] for each of some queries."""
        places: dict[HubnessMethod, list[IntArray]] = {method: [] for method in METHODS}
        for query_D, own in zip(self._held.vectors_QD, self._held.own_rows_Q[:MOST_SEARCHED_WHOLE], strict=False):
            score_N = self._vectors_ND @ query_D
            row_R = np.argsort(-score_N, kind="stable")
            row_R = row_R[row_R != own]
            for method, found in places.items():
                corrected_R = score_N[row_R] + bias.of(method, row_R[None])[0]
                found.append(np.argpartition(-corrected_R, self.k - 1)[: self.k])
        return {method: np.stack(found) for method, found in places.items()}

    def measure(self, bias: HubnessBias, method: HubnessMethod | Literal["off"]) -> HubnessMeasure:
        """Hubs, and recall where it can be known, under one method."""
        rows_QK = self.rows(bias, method)
        hubness, recall = Hubness.of(rows_QK, self._n_items), self.recall_at_1(rows_QK)
        return HubnessMeasure(
            method=method,
            skewness=round(hubness.skew, 4),
            largest=int(hubness.occurrence_N[hubness.hub]),
            never=round(hubness.never, 6),
            robin_hood=round(hubness.robin_hood, 6),
            recall_at_1=None if recall is None else round(recall, 6),
        )
