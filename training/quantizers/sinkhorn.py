"""Entropic optimal transport onto equally used codes, in the log domain.

For training and for fitting only: whom a row is assigned to depends on its batch, so it must never serve. As the
uniform semantic mapping of LC-Rec (Zheng et al., ICDE 2024, section 3.2), whose plain exponentials overflow float32.

Axes: B rows, K codes.
"""

import math

import torch
from torch import Tensor


def sinkhorn_plan(cost_BK: Tensor, epsilon: float, *, most_rounds: int = 200, tolerance: float = 1e-3) -> Tensor:
    """The plan float64 [B, K] of least cost - epsilon x entropy whose rows sum to 1/B and whose columns to 1/K.

    `epsilon` counts in the scale of `centred`. Rounds end when every row sum is within `tolerance` of its share, or at
    `most_rounds`; the columns are exact, and a small epsilon may leave rows that are not, whose largest entry is then
    right long before.
    """
    score_BK = -centred(cost_BK) / epsilon
    rows, columns = score_BK.shape
    column_K = score_BK.new_zeros(columns)
    for _ in range(most_rounds):
        row_B = -torch.logsumexp(score_BK + column_K, 1) - math.log(rows)
        column_K = -torch.logsumexp(score_BK + row_B[:, None], 0) - math.log(columns)
        reached_B = torch.logsumexp(score_BK + column_K, 1) + row_B + math.log(rows)
        if float(reached_B.exp().sub(1).abs().max()) < tolerance:
            break
    return (score_BK + row_B[:, None] + column_K).exp()


def balanced_codes(distance_BK: Tensor, epsilon: float, *, most_rounds: int = 200) -> Tensor:
    """Codes int64 [B], about equally often each: the largest entry of every row of the plan."""
    return sinkhorn_plan(distance_BK, epsilon, most_rounds=most_rounds).argmax(1)


def capped_codes(plan_BK: Tensor, capacity: int) -> Tensor:
    """Codes int64 [B], none of them more than `capacity` times: the surest rows choose first, the others what is left.

    `capacity` times the number of codes must be at least the number of rows.
    """
    rows, columns = plan_BK.shape
    if capacity * columns < rows:
        raise ValueError(f"{columns} codes of capacity {capacity} cannot hold {rows} rows")
    preference_BK = plan_BK.argsort(stable=True, dim=1, descending=True).tolist()
    left = [capacity] * columns
    codes = [0] * rows
    for row in plan_BK.amax(1).argsort(stable=True, descending=True).tolist():
        code = next(code for code in preference_BK[row] if left[code])
        left[code] -= 1
        codes[row] = code
    return torch.tensor(codes, device=plan_BK.device)


def centred(cost_BK: Tensor) -> Tensor:
    """The costs in float64, shifted and scaled into [-1, 1], so that one epsilon suits any scale."""
    cost_BK = cost_BK.double()
    least, most = cost_BK.amin(), cost_BK.amax()
    middle = (most + least) / 2
    return (cost_BK - middle) / (most - middle + 1e-5)
