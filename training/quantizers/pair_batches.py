"""Batches of pairs of a user and an item, each with partners that co-occur.

Axes: B pairs of a batch, P pairs of all, R rows of one side.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.quantizers.contract import Behaviour
from training.ragged import IntArray


class PairBatch(NamedTuple):
    """int64 [B] each: the pair, another user of its item, and another item of its user (itself where none is)."""

    user_B: Tensor
    item_B: Tensor
    other_user_B: Tensor
    other_item_B: Tensor


class PairBatches:
    """Pairs in random order; users are counted from 0 among those that took anything."""

    def __init__(self, behaviour: Behaviour, n_items: int, seed: int) -> None:
        self.query_U, user_P = np.unique(behaviour.query_P, return_inverse=True)
        self.user_P, self.item_P = user_P.astype(np.int64), behaviour.item_P.astype(np.int64)
        self.user_count_U = np.bincount(self.user_P, minlength=len(self.query_U))
        self.item_count_N = np.bincount(self.item_P, minlength=n_items)
        self._by_user = _Links(self.user_P, self.item_P, self.user_count_U)
        self._by_item = _Links(self.item_P, self.user_P, self.item_count_N)
        self._rng = np.random.default_rng(seed)

    def next(self, size: int) -> PairBatch:
        """A batch of at most `size` pairs, none of them twice."""
        pair_B = self._rng.choice(len(self.user_P), min(size, len(self.user_P)), replace=False, shuffle=False)
        user_B, item_B = self.user_P[pair_B], self.item_P[pair_B]
        other_user_B = self._by_item.draw(item_B, user_B, self._rng)
        other_item_B = self._by_user.draw(user_B, item_B, self._rng)
        return PairBatch(*map(torch.from_numpy, (user_B, item_B, other_user_B, other_item_B)))


def user_vectors(embedding_ND: np.ndarray, pairs: PairBatches, last: int) -> np.ndarray:
    """float32 [U, D]: mean of the item vectors of every user's last `last` pairs, which stand in the order of time."""
    order_P = np.argsort(pairs.user_P, kind="stable")
    end_P = np.repeat(np.cumsum(pairs.user_count_U), pairs.user_count_U)
    kept_P = order_P[end_P - np.arange(len(order_P)) <= last]
    sum_UD = np.zeros((len(pairs.query_U), embedding_ND.shape[1]), np.float32)
    np.add.at(sum_UD, pairs.user_P[kept_P], embedding_ND[pairs.item_P[kept_P]])
    mean_UD: np.ndarray = sum_UD / np.minimum(pairs.user_count_U, last)[:, None].astype(np.float32)
    return mean_UD


class _Links:
    def __init__(self, from_P: IntArray, to_P: IntArray, count_R: IntArray) -> None:
        self._to_P = to_P[np.argsort(from_P, kind="stable")]
        self._count_R = count_R
        self._start_R = np.cumsum(count_R) - count_R

    def draw(self, from_B: IntArray, own_B: IntArray, rng: np.random.Generator) -> IntArray:
        """A random linked row; drawn once more where it is the own one, which may leave it there."""
        drawn_B = own_B
        for _ in range(2):
            place_B = self._start_R[from_B] + rng.integers(0, self._count_R[from_B])
            drawn_B = np.where(drawn_B == own_B, self._to_P[place_B], drawn_B)
        return drawn_B
