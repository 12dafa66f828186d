"""Whether items that are near each other stay near when codes stand for them.

Axes: N items, S sampled items, B sampled items of a batch, D embedding, L levels, K neighbours.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.metrics import top_k
from training.ragged import FloatArray, IntArray

SAMPLED = 1000
NEAREST = 10
_ITEMS_A_BATCH = 50


def neighbour_metrics(
    embedding_ND: FloatArray, decoded_ND: FloatArray, code_NL: IntArray, seed: int
) -> dict[str, float]:
    """The share of an item's 10 nearest (highest dot product, without itself) that are also among the 10 first by
    `decoded_recall@10`, the dot product of its own embedding with what the others' codes decode to, and by
    `prefix_recall@10`, the number of leading codes in common. Ties count as if broken by chance.

    Over at most 1,000 items drawn by `seed`; empty for a catalogue of 10 items or fewer, where all are neighbours.
    """
    n = len(embedding_ND)
    if n <= NEAREST + 1:
        return {}
    sampled_S = np.sort(np.random.default_rng(seed).choice(n, min(SAMPLED, n), replace=False))
    found: dict[str, list[NDArray[np.float64]]] = {"decoded_recall@10": [], "prefix_recall@10": []}
    for start in range(0, len(sampled_S), _ITEMS_A_BATCH):
        item_B = sampled_S[start : start + _ITEMS_A_BATCH]
        near_BK = top_k(_without(item_B, embedding_ND[item_B] @ embedding_ND.T), NEAREST)
        for name, score in (("decoded_recall@10", _dot(decoded_ND)), ("prefix_recall@10", _common(code_NL))):
            score_BN = _without(item_B, score(embedding_ND, item_B))
            found[name].append(expected_recall(score_BN, near_BK))
    return {name: float(np.concatenate(parts).mean()) for name, parts in found.items()}


def expected_recall(score_BN: FloatArray, wanted_BK: IntArray) -> NDArray[np.float64]:
    """float64 [B]: the share of the K wanted columns that is expected among the K best, with ties broken by chance."""
    k = wanted_BK.shape[1]
    last_B1 = -np.partition(-score_BN, k - 1, axis=1)[:, k - 1 : k]
    better_B1 = (score_BN > last_B1).sum(1, keepdims=True)
    equal_B1 = (score_BN == last_B1).sum(1, keepdims=True)
    wanted_score_BK = np.take_along_axis(score_BN, wanted_BK, axis=1)
    tied_BK = (wanted_score_BK == last_B1) * ((k - better_B1) / equal_B1)
    recall_B: NDArray[np.float64] = ((wanted_score_BK > last_B1) + tied_BK).mean(1)
    return recall_B


def _dot(decoded_ND: FloatArray) -> Callable[[FloatArray, IntArray], FloatArray]:
    return lambda embedding_ND, item_B: embedding_ND[item_B] @ decoded_ND.T


def _common(code_NL: IntArray) -> Callable[[FloatArray, IntArray], FloatArray]:
    def common(_: FloatArray, item_B: IntArray) -> FloatArray:
        agrees_BN = np.ones((len(item_B), len(code_NL)), dtype=np.bool_)
        count_BN = np.zeros(agrees_BN.shape, dtype=np.float32)
        for code_N in code_NL.T:
            agrees_BN &= code_N[item_B][:, None] == code_N
            count_BN += agrees_BN
        return count_BN

    return common


def _without(item_B: IntArray, score_BN: FloatArray) -> FloatArray:
    """The scores, with each item's own at the very end."""
    score_BN[np.arange(len(item_B)), item_B] = -np.inf
    return score_BN
