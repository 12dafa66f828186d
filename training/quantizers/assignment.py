"""Which code a row of a training batch gets. Serving is always greedy: a code may not depend on the other rows.

Axes: B rows, K codes.
"""

from typing import Literal

import torch
from torch import Tensor

from training.quantizers.partial_transport import mass_schedule, partial_plan
from training.quantizers.sinkhorn import balanced_codes, centred

Assign = Literal["greedy", "sinkhorn", "partial"]
_EPSILON = 0.05
_ROUNDS = 20  # of a step; the largest entry of a row settles long before its sums do


def training_codes(distance_BK: Tensor, assign: Assign, done: float) -> Tensor:
    """Codes int64 [B] when that share of the training, 0 to 1, is done.

    With `partial`, rows of which less than half of the mass is transported are too unsure and stay greedy. Its semantic
    term is left to what fits once: solved anew at every step it would cost minutes a batch.
    """
    greedy_B = distance_BK.argmin(1)
    if assign == "greedy":
        return greedy_B
    if assign == "sinkhorn":
        return balanced_codes(distance_BK, _EPSILON, most_rounds=_ROUNDS)
    plan_BK = partial_plan(centred(distance_BK), mass_schedule(done))
    sure_B = plan_BK.sum(1) * len(plan_BK) >= 0.5
    return torch.where(sure_B, plan_BK.argmax(1), greedy_B)
