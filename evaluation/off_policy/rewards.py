"""What an item earns at a place, learned from the log without the impression it is asked about.

N impressions, A items, K places.
"""

import numpy as np

from evaluation.off_policy.log import FloatArray, ImpressionLog

FOLDS = 3


def expected_rewards(log: ImpressionLog, shrinkage: float = 20.0, seed: int = 0) -> FloatArray:
    """The mean reward of every item at the impression's place [N, A], cross-fitted over folds of impressions.

    Means of few impressions are drawn towards the place's mean as if `shrinkage` impressions of it had been seen, so
    that an item never shown there is worth the place's mean.
    """
    fold_N = np.random.default_rng(seed).permutation(len(log)) % FOLDS
    reward_NA = np.empty((len(log), len(log.item_ids)))
    for fold in range(FOLDS):
        inside_N = fold_N == fold
        mean_KA = _means(log, ~inside_N, shrinkage)
        reward_NA[inside_N] = mean_KA[log.place_N[inside_N]]
    return reward_NA


def _means(log: ImpressionLog, learn_N: np.ndarray, shrinkage: float) -> FloatArray:
    n_items = len(log.item_ids)
    cell_N = log.place_N[learn_N] * n_items + log.item_N[learn_N]
    size = log.n_places * n_items
    count_KA = np.bincount(cell_N, minlength=size).reshape(log.n_places, n_items)
    sum_KA = np.bincount(cell_N, weights=log.reward_N[learn_N], minlength=size).reshape(log.n_places, n_items)
    mean_K = sum_KA.sum(axis=1, keepdims=True) / np.maximum(1, count_KA.sum(axis=1, keepdims=True))
    means_KA: FloatArray = (sum_KA + shrinkage * mean_K) / (count_KA + shrinkage)
    return means_KA
