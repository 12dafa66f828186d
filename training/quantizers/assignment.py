"""Which code a row of a training batch gets. Serving is always greedy: a code may not depend on the other rows.

Axes: B rows, K codes, d latent.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.quantizers.partial_transport import mass_schedule, partial_plan, semantic_partial_plan
from training.quantizers.sinkhorn import balanced_codes, centred

Assign = Literal["greedy", "sinkhorn", "partial", "semantic_partial"]
_EPSILON = 0.05
_ROUNDS = 20  # of a step; the largest entry of a row settles long before its sums do
_NEIGHBOURS = 20


def training_codes(distance_BK: Tensor, residual_Bd: Tensor, assign: Assign, done: float) -> Tensor:
    """Codes int64 [B] when that share of the training, 0 to 1, is done.

    In both partial kinds rows of which less than half of the mass is transported are too unsure and stay greedy.
    `semantic_partial` also draws the 20 nearest rows of the batch by cosine towards one code.
    """
    greedy_B = distance_BK.argmin(1)
    if assign == "greedy":
        return greedy_B
    if assign == "sinkhorn":
        return balanced_codes(distance_BK, _EPSILON, most_rounds=_ROUNDS)
    cost_BK, mass = centred(distance_BK), mass_schedule(done)
    if assign == "partial":
        plan_BK = partial_plan(cost_BK, mass)
    else:
        plan_BK = semantic_partial_plan(cost_BK, _neighbours(residual_Bd), mass)
    sure_B = plan_BK.sum(1) * len(plan_BK) >= 0.5
    return torch.where(sure_B, plan_BK.argmax(1), greedy_B)


def _neighbours(residual_Bd: Tensor) -> Tensor:
    """Cosines [B, B] of the nearest rows, 0 elsewhere and of a row with itself; one-sided."""
    unit_Bd = normalize(residual_Bd, dim=1)
    cosine_BB = (unit_Bd @ unit_Bd.T).fill_diagonal_(-1)
    value_Bk, row_Bk = cosine_BB.topk(min(_NEIGHBOURS, len(unit_Bd) - 1), dim=1)
    return torch.zeros_like(cosine_BB).scatter(1, row_Bk, value_Bk)
