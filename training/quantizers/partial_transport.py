"""Progressive partial transport: only the surest rows are assigned at first, and columns are only pulled to a prior.

P2OT (Zhang et al., ICLR 2024) and SP2OT (2024), derived here from their formulas, in the log domain throughout.
Balanced transport gives every code equally many rows, which splits dense regions of a long-tailed catalogue and merges
rare ones; with a finite `gamma` dead codes stay alive without that. Its use for codes is our own. Training only.

Axes: B rows, K codes.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

_MOST_ROUNDS, _TOLERANCE = 1000, 1e-6
_MOST_STEPS = 100  # of majorise and minimise


def mass_schedule(done: float) -> float:
    """Share of the mass that is transported when that share of the training, 0 to 1, is done: 0.107 to 1."""
    return 0.1 + 0.9 * math.exp(-5 * (1 - done) ** 2)


def partial_plan(
    cost_BK: Tensor, mass: float, *, epsilon: float = 0.1, gamma: float = 1.0, prior_K: Tensor | None = None
) -> Tensor:
    """The plan float64 [B, K] of total mass `mass` in (0, 1]; no row gives more than 1/B.

    Column sums are pulled towards `mass` times `prior_K` (uniform when None) by `gamma` x KL: 0 leaves them free, and a
    large gamma makes them equal to it. A virtual column of cost 0 takes up the mass that stays.
    """
    if not 0 < mass <= 1:
        raise ValueError(f"mass is {mass}; it is a share above 0 and at most 1")
    columns = cost_BK.shape[1]
    score_BV = pad(-cost_BK.double(), (0, 1)) / epsilon  # V: the codes and the virtual column
    prior = cost_BK.new_full((columns,), 1 / columns) if prior_K is None else prior_K / prior_K.sum()
    target_V = torch.cat([mass * prior.double(), score_BV.new_tensor([1 - mass])]).log()
    power_V = torch.cat([score_BV.new_full((columns,), gamma / (gamma + epsilon)), score_BV.new_ones(1)])
    column_V = torch.zeros_like(target_V)
    row_B = _rows(score_BV, column_V)
    for _ in range(_MOST_ROUNDS):
        column_V = power_V * (target_V - torch.logsumexp(score_BV + row_B[:, None], 0))
        before_B, row_B = row_B, _rows(score_BV, column_V)
        if float((row_B - before_B).abs().max()) < _TOLERANCE:
            break
    return (score_BV + row_B[:, None] + column_V).exp()[:, :columns]


def semantic_partial_plan(
    cost_BK: Tensor,
    similarity_BB: Tensor,
    mass: float,
    *,
    strength: float | None = None,
    epsilon: float = 0.1,
    gamma: float = 1.0,
    prior_K: Tensor | None = None,
) -> Tensor:
    """As `partial_plan`, with a reward `strength` x <similarity, Q Q^T> for neighbours that share their codes.

    The reward makes the problem non-convex, so it is majorised by its tangent and solved again until the plan stands
    still. `similarity_BB` may be one-sided. `strength` fades as the mass grows when None: 1000 x (1 - mass), large
    because the entries of a plan are of the order 1/(B K).
    """
    strength = 1000 * (1 - mass) if strength is None else strength
    both_BB = (similarity_BB + similarity_BB.T).double()
    cost_BK = cost_BK.double()
    plan_BK = torch.full_like(cost_BK, mass / cost_BK.numel())
    for _ in range(_MOST_STEPS):
        drawn_BK = cost_BK - strength * (both_BB @ plan_BK)
        before_BK, plan_BK = plan_BK, partial_plan(drawn_BK, mass, epsilon=epsilon, gamma=gamma, prior_K=prior_K)
        if float((plan_BK - before_BK).abs().max()) * len(plan_BK) < _TOLERANCE:
            break
    return plan_BK


def _rows(score_BV: Tensor, column_V: Tensor) -> Tensor:
    """Scalings that make every row, the virtual column included, sum to 1/B."""
    return -torch.logsumexp(score_BV + column_V, 1) - math.log(len(score_BV))
