"""Soft top-k: the loss of a query is small when all its targets are among its k best items.

Axes: B queries, M items of the pool, N entries of any row, P most targets of a query.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid

from training.errors import TrainingError
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over

_NEWTON_STEPS = 3


class SoftTopKConfig(ObjectiveSettings):
    """Choose it with the k of the list that is served; a large k neglects the head of the list."""

    no_logq: ClassVar[str] = "counts how many items pass a cutoff and is no sampled softmax"
    kind: Literal["soft_top_k"] = "soft_top_k"
    k: PositiveInt | Literal["targets"] = Field(
        default=5, description="Length of the list; 'targets' is the number of a query's own targets."
    )
    sharpness: float = Field(
        default=2.0, gt=0, description="Multiplies the scores after the temperature; large is close to a hard top k."
    )
    temperature: float = Field(default=0.05, gt=0, description="Divides the scores.")
    iterations: PositiveInt = Field(
        default=12, description="Halvings of the interval that holds the cutoff, before three Newton steps."
    )

    def build(self, dimension: int) -> "SoftTopK":
        """The objective; `dimension` does not matter."""
        return SoftTopK(self.k, self.sharpness / self.temperature, self.iterations)


@dataclass(frozen=True)
class SoftTopK:
    """L_i = mean over targets p of -log sigma(Z_ip - c_i), with c_i for which all sigma(Z_ij - c_i) sum to k (DEXML).

    Z are scores times `scale`. A negative that was drawn n times counts n times in the sum, a target once. A query with
    more than k targets cannot reach 0. One with no more than k items is skipped: its top k says nothing.
    """

    k: int | Literal["targets"]
    scale: float
    iterations: int = 12

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        target_BM = batch.positive_BM & batch.valid_BM
        column_BP, is_target_BP = columns_of(target_BM)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD, item_MD = at_least_float32(batch.query_BD) * self.scale, at_least_float32(batch.item_MD)
            weight_BM = (batch.valid_BM > batch.positive_BM).to(item_MD.dtype)
            if batch.draws_M is not None:
                weight_BM = weight_BM * batch.draws_M
            has_negative_B = weight_BM.any(1)
            weight_BM = weight_BM.masked_fill_(target_BM, 1.0)
            k_B = is_target_BP.sum(1) if self.k == "targets" else torch.full_like(column_BP[:, 0], self.k)
            cutoff_B, solvable_B = cutoff(query_BD @ item_MD.T, weight_BM, k_B, self.iterations)
            score_BP = (embedding(column_BP, item_MD) * query_BD[:, None, :]).sum(-1)
        loss_BP = -logsigmoid((score_BP - cutoff_B[:, None]).masked_fill(~is_target_BP, 0.0))
        contributes_B = is_target_BP.any(1) & has_negative_B & solvable_B
        return reduce(mean_over(loss_BP, is_target_BP), contributes_B, batch.weight_B)


def soft_top_k(
    score_BN: Tensor, k: int | Tensor, sharpness: float = 1.0, valid_BN: Tensor | None = None, iterations: int = 12
) -> Tensor:
    """f = sigma(sharpness (z + t)) with the t of each row for which its valid entries sum to k; k may be one per row.

    Invalid entries get 0. A row with no more than k valid entries gets ones there, without gradient. Raises
    TrainingError unless 0 < k < N. Computed in float32 at least.
    """
    k_B = torch.as_tensor(k, device=score_BN.device).expand(len(score_BN))
    if (k_B <= 0).any() or (k_B >= score_BN.shape[1]).any():
        raise TrainingError(f"soft top-k needs 0 < k < {score_BN.shape[1]}, the entries of a row, got k = {k}")
    logit_BN = at_least_float32(score_BN) * sharpness
    valid_BN = torch.ones_like(logit_BN, dtype=torch.bool) if valid_BN is None else valid_BN
    cutoff_B, solvable_B = cutoff(logit_BN, valid_BN.to(logit_BN.dtype), k_B, iterations)
    share_BN = (logit_BN - cutoff_B[:, None]).sigmoid()
    return torch.where(solvable_B[:, None], share_BN, 1.0).masked_fill(~valid_BN, 0.0)


def cutoff(logit_BN: Tensor, weight_BN: Tensor, k_B: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """c of each row with sum_j w_j sigma(z_j - c) = k, and whether there is one: the weights must sum to more than k.

    Entries of weight 0 take no part. c is finite and without gradient where there is none. Where exactly k lie above
    a gap wider than 30, float32 finds some c in the gap and not its middle; float64 does so beyond 70.
    """
    total_B = weight_BN.sum(1)
    solvable_B = total_B > k_B
    n_B = torch.where(solvable_B, total_B, 2.0)
    odds_B = torch.where(solvable_B, k_B / (n_B - k_B), 1.0)
    cutoff_B: Tensor = _Cutoff.apply(logit_BN, weight_BN, n_B, odds_B, iterations)  # type: ignore[no-untyped-call]
    return cutoff_B.masked_fill(~solvable_B, 0.0), solvable_B


class _Cutoff(torch.autograd.Function):
    """See `cutoff`; the gradient is implicit: dc/dz_j = w_j f_j (1 - f_j) / sum, a share of one."""

    @staticmethod
    def forward(ctx: Any, logit_BN: Tensor, weight_BN: Tensor, n_B: Tensor, odds_B: Tensor, iterations: int) -> Tensor:
        out_BN = weight_BN == 0
        gap_BN = logit_BN.masked_fill(out_BN, torch.inf)
        low_B1 = gap_BN.amin(1, keepdim=True)
        logit_BN = logit_BN.masked_fill(out_BN, -torch.inf)
        high_B1 = logit_BN.amax(1, keepdim=True)
        cutoff_B1 = _root(logit_BN, weight_BN, (low_B1, high_B1), (n_B[:, None], odds_B[:, None]), iterations, gap_BN)
        # f (1 - f), scaled so that the greatest is near 1: far from the cutoff it is below the least float.
        torch.sub(logit_BN, cutoff_B1, out=gap_BN).abs_().neg_()
        nearest_B1 = gap_BN.amax(1, keepdim=True)
        slope_BN = gap_BN.exp().add_(1.0).square_().reciprocal_().mul_(weight_BN)
        slope_BN.mul_(gap_BN.sub_(nearest_B1.masked_fill(nearest_B1 == -torch.inf, 0.0)).exp_())
        total_B1 = slope_BN.sum(1, keepdim=True).clamp_min_(torch.finfo(slope_BN.dtype).tiny)
        ctx.save_for_backward(slope_BN.div_(total_B1))
        return cutoff_B1[:, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (share_BN,) = ctx.saved_tensors
        return gradients[0][:, None] * share_BN, None, None, None, None


def _root(
    logit_BN: Tensor,
    weight_BN: Tensor,
    ends: tuple[Tensor, Tensor],
    counts: tuple[Tensor, Tensor],
    iterations: int,
    pass_BN: Tensor,
) -> Tensor:
    """Bisection, then Newton steps, which square the error of an interval below 1; `pass_BN` is scratch memory.

    With n equal scores z the answer is z - log(k / (n - k)), and it grows with every score: so it lies between that of
    the least and that of the greatest score, however large n is.
    """
    n_B1, odds_B1 = counts
    empty_B1 = ends[1] == -torch.inf
    low_B1, high_B1 = (end.masked_fill(empty_B1, 0.0) - odds_B1.log() for end in ends)
    k_B1 = n_B1 * odds_B1 / (1 + odds_B1)
    for _ in range(iterations):
        middle_B1 = (low_B1 + high_B1) / 2
        torch.sub(logit_BN, middle_B1, out=pass_BN).sigmoid_().mul_(weight_BN)
        too_many_B1 = pass_BN.sum(1, keepdim=True) > k_B1
        low_B1 = torch.where(too_many_B1, middle_B1, low_B1)
        high_B1 = torch.where(too_many_B1, high_B1, middle_B1)
    cutoff_B1 = (low_B1 + high_B1) / 2
    for _ in range(_NEWTON_STEPS):
        torch.sub(logit_BN, cutoff_B1, out=pass_BN).sigmoid_()
        passed_BN = pass_BN * weight_BN
        excess_B1 = passed_BN.sum(1, keepdim=True) - k_B1
        slope_B1 = passed_BN.mul_(pass_BN.neg_().add_(1.0)).sum(1, keepdim=True)
        step_B1 = torch.where(slope_B1 == 0, 0.0, excess_B1 / slope_B1)
        cutoff_B1 = (cutoff_B1 + step_B1).clamp(low_B1, high_B1)
    return cutoff_B1
