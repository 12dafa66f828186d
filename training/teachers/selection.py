"""Which queries a small teacher budget is spent on: robust active distillation.

Letters: N points, K points with a share.

A game: we choose shares q of the budget, an adversary then spoils any m points of the teacher's answers. The value is
the worst gain, min over bad sets of sum of q_i g_i over the rest (Robust Active Distillation, ICLR 2023; solution
re-derived).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.ragged import FloatArray, IntArray

DoubleArray = NDArray[np.float64]
Selection = Literal["robust", "margin", "uniform"]


def robust_shares(gain_N: FloatArray | DoubleArray, errors: int) -> tuple[DoubleArray, float]:
    """Shares q [N] that maximise the worst gain when `errors` answers are wrong, and that gain.

    With g in falling order and H_k = sum over j <= k of 1 / g_j: k* = argmax (k - m) / H_k, q_i = 1 / (g_i H_k*) for
    the first k*, 0 for the rest: q_i g_i is flat, so no single wrong answer costs more than another. Raises ValueError
    unless all gains are above 0 and there are fewer errors than points.
    """
    gain_N = np.asarray(gain_N, dtype=np.float64)
    if not 0 <= errors < len(gain_N):
        raise ValueError(f"{errors} wrong answers of {len(gain_N)} points leave nothing to learn from")
    if not (gain_N > 0).all():
        raise ValueError("gains must be above 0")
    order_N = np.argsort(-gain_N, kind="stable")
    cost_N = np.cumsum(1 / gain_N[order_N])
    value_N = (np.arange(1, len(gain_N) + 1) - errors) / cost_N
    best = int(np.argmax(value_N))
    share_N = np.zeros(len(gain_N))
    share_N[order_N[: best + 1]] = 1 / (gain_N[order_N[: best + 1]] * cost_N[best])
    return share_N, float(value_N[best])


def inclusion(share_N: DoubleArray, budget: int) -> DoubleArray:
    """Chance [N] of each point to be among `budget` points, proportional to its share but at most 1.

    What a point cannot take above 1 goes to the others; sums to `budget`, or to the number of points with a share.
    """
    chance_N = np.zeros(len(share_N))
    open_N = share_N > 0
    left = float(min(budget, int(open_N.sum())))
    while open_N.any() and left > 0:
        wanted_N = np.where(open_N, share_N, 0.0)
        wanted_N *= left / wanted_N.sum()
        full_N = open_N & (wanted_N >= 1)
        if not full_N.any():
            return chance_N + wanted_N
        chance_N[full_N] = 1.0
        left -= float(full_N.sum())
        open_N &= ~full_N
    return chance_N


def select(
    gain_N: FloatArray, budget: int, selection: Selection, error_share: float, rng: np.random.Generator
) -> IntArray:
    """Positions of `budget` different points (of all, if there are no more), ascending.

    'robust' draws by `robust_shares` for an error_share of the points, 'margin' takes the highest gains, 'uniform'
    draws all alike. Where 'robust' gives shares to fewer points than the budget buys, the highest gains follow.
    """
    if budget >= len(gain_N):
        return np.arange(len(gain_N), dtype=np.int64)
    if selection == "uniform":
        return np.sort(rng.choice(len(gain_N), budget, replace=False)).astype(np.int64)
    order_N = np.argsort(-gain_N, kind="stable").astype(np.int64)
    if selection == "margin":
        return np.sort(order_N[:budget])
    errors = min(round(error_share * len(gain_N)), len(gain_N) - 1)
    share_N, _ = robust_shares(np.maximum(gain_N, 1e-6), errors)
    taken = _systematic(inclusion(share_N, budget), rng)
    rest = order_N[~np.isin(order_N, taken)][: budget - len(taken)]
    return np.sort(np.append(taken, rest))


def _systematic(chance_N: DoubleArray, rng: np.random.Generator) -> IntArray:
    """Points drawn without replacement, each with exactly its chance: one comb over the points in random order."""
    order_N = rng.permutation(len(chance_N))
    edge_N = np.cumsum(chance_N[order_N])
    count = round(edge_N[-1])
    tooth = rng.random() + np.arange(count)
    hit = np.searchsorted(edge_N, tooth, side="right")
    return order_N[np.minimum(hit, len(chance_N) - 1)].astype(np.int64)
