"""Softmax for graded targets: a larger gap in grade weighs more, and mixtures of items make the contrast harder.

Axes: B queries, P most targets of a query, M items of the pool, D embedding, C = P + 1 items that mixtures are made of.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding, softplus

from training.errors import TrainingError
from training.objectives.competition import Competition, compete, logsumexp, mean_over_targets
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32


class SupReMixConfig(ObjectiveSettings):
    """Supervised contrast over grades with mixtures; without mixtures and grade gaps it is `softmax`."""

    no_logq: ClassVar[str] = "weighs items by their grades"
    kind: Literal["supremix"] = "supremix"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the softmax.")
    hard_negative_share: float | None = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Share of the target in its mixture with the query's hardest negative, "
        "which is one more negative; unset for no such mixtures.",
    )
    hard_positives: bool = Field(
        default=True,
        description="Whether a mixture of a lower and a higher graded item, of the target's grade, is one more target.",
    )

    @property
    def needs_grades(self) -> bool:
        """Always."""
        return True

    def build(self, dimension: int) -> "SupReMix":
        """The objective; `dimension` does not matter."""
        return SupReMix(self.temperature, self.hard_negative_share, self.hard_positives)


def require_grades(batch: LossInput, kind: str) -> Tensor:
    """The grades of the targets; raises TrainingError when the batch carries none."""
    if batch.grade_BM is None:
        raise TrainingError(
            f"objective.kind = '{kind}' compares grades, but these interactions carry none; "
            "name the grade column of the data, or choose another objective"
        )
    return batch.grade_BM


@dataclass(frozen=True)
class SupReMix:
    """L_i = mean over targets p of log sum_j (|y_p - y_j| + 1) e^Z_j - Z_p (SupReMix, for graded retrieval).

    j runs over p, the targets graded no higher than p and the negatives, whose grade is 0: a better item is no negative
    of a lesser one (in the regression of the paper it is). Mixtures are deterministic. The anchor-inclusive one of p
    and the hardest negative joins the sum; the anchor-exclusive one of the best-scored item graded below p and the
    worst-scored target graded above, in the shares that give the grade of p, is a second target beside p. A mixture
    has the length that its parts have on average. Raises TrainingError for a batch without grades.
    """

    temperature: float
    hard_negative_share: float | None = 0.5
    hard_positives: bool = True

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        grade_BM = require_grades(batch, "supremix")
        c = compete(batch, self.temperature, None)
        grade_BP = grade_BM.to(c.score_BP.dtype).gather(1, c.column_BP).masked_fill(~c.is_target_BP, 0.0)
        rest_BP = _rest(c, grade_BP)
        if self.hard_negative_share is None and not self.hard_positives:
            return reduce(mean_over_targets(rest_BP - c.score_BP, c), c.contributes_B, batch.weight_B)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD = at_least_float32(batch.query_BD) / self.temperature
            part_BCD = _parts(batch, c)
            if self.hard_negative_share is not None:
                share = self.hard_negative_share
                mixture_BPD = mix(part_BCD[:, :-1], part_BCD[:, -1:], torch.full_like(grade_BP, share))
                gap_BP = (1 - share) * grade_BP.abs()
                rest_BP = torch.logaddexp(rest_BP, torch.einsum("bpd,bd->bp", mixture_BPD, query_BD) + gap_BP.log1p())
            loss_BP = rest_BP - c.score_BP
            if self.hard_positives:
                loss_BP = _with_hard_positives(loss_BP, rest_BP, query_BD, part_BCD, grade_BP, c)
        return reduce(mean_over_targets(loss_BP, c), c.contributes_B, batch.weight_B)


def _rest(c: Competition, grade_BP: Tensor) -> Tensor:
    """Log of the weighted sum over p itself, the targets graded no higher, and the negatives."""
    gap_BPP = grade_BP[:, :, None] - grade_BP[:, None, :]
    counts_BPP = c.is_target_BP[:, None, :] & (gap_BPP >= 0)
    weighted_BPP = c.score_BP[:, None, :] + gap_BPP.clamp_min(0.0).log1p()
    targets_BP, some_BP = logsumexp(torch.where(counts_BPP, weighted_BPP, -torch.inf))
    negatives_BP = c.negatives_B1 + grade_BP.abs().log1p()
    return torch.where(some_BP, torch.logaddexp(negatives_BP, targets_BP), negatives_BP)


def _parts(batch: LossInput, c: Competition) -> Tensor:
    """Embeddings [B, C, D] of the targets and, last, of the hardest negative; 0 where there is none."""
    item_MD = at_least_float32(batch.item_MD)
    negative_BM = c.negative_BM if batch.draws_M is None else c.negative_BM & (batch.draws_M > 0)
    with torch.no_grad():
        score_BM = at_least_float32(batch.query_BD) @ item_MD.T
        hardest_B1 = score_BM.masked_fill(~negative_BM, -torch.inf).argmax(1, keepdim=True)
    part_BCD = embedding(torch.cat([c.column_BP, hardest_B1], 1), item_MD)
    is_part_BC = torch.cat([c.is_target_BP, negative_BM.any(1, keepdim=True)], 1)
    return part_BCD.masked_fill(~is_part_BC[:, :, None], 0.0)


def mix(left_BPD: Tensor, right_BPD: Tensor, share_BP: Tensor) -> Tensor:
    """share left + (1 - share) right, stretched to the mean of their lengths in the same shares."""
    share_BP1 = share_BP[:, :, None]
    mixture_BPD = share_BP1 * left_BPD + (1 - share_BP1) * right_BPD
    length_BP1 = share_BP1 * left_BPD.norm(dim=2, keepdim=True) + (1 - share_BP1) * right_BPD.norm(dim=2, keepdim=True)
    stretched_BPD: Tensor = mixture_BPD * (length_BP1 / mixture_BPD.norm(dim=2, keepdim=True).clamp_min(1e-6))
    return stretched_BPD


def level_pairs(score_BC: Tensor, grade_BC: Tensor, is_part_BC: Tensor, grade_BP: Tensor) -> tuple[Tensor, ...]:
    """For each target the part below and the part above it that a mixture of its grade is made of.

    Returns lower_BP, upper_BP (places in C), share_BP of the lower, and exists_BP. share y_lower + (1 - share) y_upper
    is y_p. Ties in score go to the first.
    """
    below_BPC = is_part_BC[:, None, :] & (grade_BC[:, None, :] < grade_BP[:, :, None])
    above_BPC = is_part_BC[:, None, :] & (grade_BC[:, None, :] > grade_BP[:, :, None])
    lower_BP = score_BC[:, None, :].masked_fill(~below_BPC, -torch.inf).argmax(2)
    upper_BP = score_BC[:, None, :].masked_fill(~above_BPC, torch.inf).argmin(2)
    exists_BP = below_BPC.any(2) & above_BPC.any(2)
    low_BP, high_BP = grade_BC.gather(1, lower_BP), grade_BC.gather(1, upper_BP)
    share_BP = torch.where(exists_BP, (high_BP - grade_BP) / torch.where(exists_BP, high_BP - low_BP, 1.0), 0.0)
    return lower_BP, upper_BP, share_BP, exists_BP


def _with_hard_positives(
    loss_BP: Tensor, rest_BP: Tensor, query_BD: Tensor, part_BCD: Tensor, grade_BP: Tensor, c: Competition
) -> Tensor:
    """The mean of a target's loss and its mixture's, where it has one."""
    grade_BC = torch.nn.functional.pad(grade_BP, (0, 1))  # a negative has grade 0
    is_part_BC = torch.cat([c.is_target_BP, c.contributes_B[:, None]], 1)
    score_BC = torch.einsum("bcd,bd->bc", part_BCD, query_BD).detach()
    lower_BP, upper_BP, share_BP, exists_BP = level_pairs(score_BC, grade_BC, is_part_BC, grade_BP)
    wide = part_BCD.shape[2]
    lower_BPD = part_BCD.gather(1, lower_BP[:, :, None].expand(-1, -1, wide))
    upper_BPD = part_BCD.gather(1, upper_BP[:, :, None].expand(-1, -1, wide))
    mixed_BP = torch.einsum("bpd,bd->bp", mix(lower_BPD, upper_BPD, share_BP), query_BD)
    return torch.where(exists_BP, (loss_BP + softplus(rest_BP - mixed_BP)) / 2, loss_BP)
