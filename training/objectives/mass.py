"""The log mass of a query's negatives, in one differentiable step.

Axes: B queries, M items of the pool, D embedding.
"""

from typing import Any

import torch
from torch import Tensor


class LogMass(torch.autograd.Function):
    """logsumexp over the masked items of query . item + shift: [B, D], [M, D], [M], bool [B, M] -> [B].

    A query without any masked item of finite shift gets -inf and no gradient. One function, because autograd would
    keep a [B, M] array for each of its parts, and on a CPU their allocation costs more than the arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, query_BD: Tensor, item_MD: Tensor, shift_M: Tensor, mask_BM: Tensor) -> Tensor:
        """Keep the softmax numerators, which are also the gradient's."""
        mass_BM = (query_BD @ item_MD.T).add_(shift_M).masked_fill_(~mask_BM, -torch.inf)
        top_B1 = mass_BM.amax(1, keepdim=True)
        finite_top_B1 = torch.where(top_B1 != -torch.inf, top_B1, 0.0)
        numerator_BM = mass_BM.sub_(finite_top_B1).exp_()
        total_B1 = numerator_BM.sum(1, keepdim=True)
        ctx.save_for_backward(query_BD, item_MD, numerator_BM, total_B1)
        return (total_B1.log() + finite_top_B1)[:, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Softmax weights times the incoming gradient; an empty row has none."""
        query_BD, item_MD, numerator_BM, total_B1 = ctx.saved_tensors
        weight_B1 = torch.where(total_B1 != 0, gradients[0][:, None] / total_B1, 0.0)
        weight_BM = numerator_BM * weight_B1
        return weight_BM @ item_MD, weight_BM.T @ query_BD, None, None


def log_mass(query_BD: Tensor, item_MD: Tensor, shift_M: Tensor, mask_BM: Tensor) -> Tensor:
    """See LogMass."""
    mass_B: Tensor = LogMass.apply(query_BD, item_MD, shift_M, mask_BM)  # type: ignore[no-untyped-call]
    return mass_B
