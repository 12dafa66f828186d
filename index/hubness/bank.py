"""Banks of vectors, and how near each item lies to all of a bank at once.

Letters: N items, M vectors of a bank, D embedding, E betas, T items of a tile, S bank vectors of a tile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
ITEM_TILE = 4_096
BANK_TILE = 1_024
NO_ROW = -1


@dataclass(frozen=True)
class Bank:
    """Vectors to compare items with.

    `left_out_M` names for each the item row that it says nothing about, the item itself or the one it is to find; -1
    where there is none.
    """

    vectors_MD: FloatArray
    left_out_M: IntArray

    @classmethod
    def of(cls, vectors_MD: FloatArray) -> "Bank":
        """A bank whose vectors speak of every item."""
        return cls(vectors_MD, np.full(len(vectors_MD), NO_ROW))

    def __len__(self) -> int:
        return len(self.vectors_MD)


def log_mean_exp(vectors_ND: FloatArray, bank: Bank, betas: Sequence[float]) -> FloatArray:
    """log mean exp(beta s) over the bank for every beta and item, float32 [E, N], in units of the score: over beta.

    The mean in place of the sum of the papers makes banks of any size comparable and changes no ranking. An item that
    nothing of the bank speaks of gets the mean of the others; an empty bank gives 0 for all. Memory is one tile of
    scores, whatever N and M are.
    """
    normaliser_EN = np.zeros((len(betas), len(vectors_ND)), dtype=np.float32)
    for start in range(0, len(vectors_ND) if len(bank) else 0, ITEM_TILE):
        items_TD = np.ascontiguousarray(vectors_ND[start : start + ITEM_TILE])
        normaliser_EN[:, start : start + len(items_TD)] = _tile(items_TD, start, bank, betas)
    is_known_N = np.isfinite(normaliser_EN[0])
    if not is_known_N.all():
        mean_E = normaliser_EN[:, is_known_N].mean(axis=1) if is_known_N.any() else np.zeros(len(betas))
        normaliser_EN[:, ~is_known_N] = mean_E[:, None]
    return normaliser_EN


def activated(vectors_ND: FloatArray, bank: Bank, k: int) -> NDArray[np.bool_]:
    """Whether each item is among the k best of a bank vector that speaks of it, bool [N]."""
    is_active_N = np.zeros(len(vectors_ND), dtype=bool)
    if len(bank):
        depth = min(k + 1, len(vectors_ND))
        _, rows_MR = faiss.knn(
            np.ascontiguousarray(bank.vectors_MD), vectors_ND, depth, metric=faiss.METRIC_INNER_PRODUCT
        )
        is_kept_MR = rows_MR != bank.left_out_M[:, None]
        is_kept_MR &= np.cumsum(is_kept_MR, axis=1) <= k
        is_active_N[rows_MR[is_kept_MR]] = True
    return is_active_N


def _tile(items_TD: FloatArray, start: int, bank: Bank, betas: Sequence[float]) -> NDArray[np.float64]:
    """`log_mean_exp` of the items from row `start` on; NaN where nothing of the bank speaks of an item."""
    peak_T = np.full(len(items_TD), -np.inf)
    sum_ET = np.zeros((len(betas), len(items_TD)))
    count_T = np.zeros(len(items_TD))
    for first in range(0, len(bank), BANK_TILE):
        part = slice(first, first + BANK_TILE)
        score_TS = items_TD @ bank.vectors_MD[part].T
        place_S = bank.left_out_M[part] - start
        inside = np.flatnonzero((place_S >= 0) & (place_S < len(items_TD)))
        score_TS[place_S[inside], inside] = -np.inf
        count_T += score_TS.shape[1] - np.bincount(place_S[inside], minlength=len(items_TD))
        before_T, peak_T = peak_T, np.maximum(peak_T, score_TS.max(axis=1))
        shift_T = np.where(np.isfinite(peak_T), peak_T, 0)  # the largest term is exp(0), so that no beta overflows
        for e, beta in enumerate(betas):
            term_TS = np.exp(np.float32(beta) * (score_TS - shift_T[:, None].astype(np.float32)))
            sum_ET[e] = sum_ET[e] * np.exp(beta * (before_T - shift_T)) + term_TS.sum(axis=1, dtype=np.float64)
    count_T[count_T == 0] = np.nan
    with np.errstate(divide="ignore"):
        normaliser_ET: NDArray[np.float64] = peak_T + np.log(sum_ET / count_T) / np.asarray(betas)[:, None]
    return normaliser_ET
