"""Distillation of margins: the model's lead of a target over another candidate should be the teacher's lead.

Axes: B queries, J most judged candidates of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import judged_candidates, mean_over


class MarginMSEConfig(ObjectiveSettings):
    """Squared error of the margins between judged targets and the other judged items."""

    needs_teacher: ClassVar[bool] = True
    no_logq: ClassVar[str] = "compares the judged candidates of a query only"
    kind: Literal["margin_mse"] = "margin_mse"
    scale: float = Field(
        default=1.0, gt=0, description="Multiplies the scores, so that cosines can reach the teacher's margins."
    )

    def build(self, dimension: int) -> "MarginMSE":
        """The objective; `dimension` does not matter."""
        return MarginMSE(self.scale)


@dataclass(frozen=True)
class MarginMSE:
    """L_i = mean over pairs (p, n) of ((s_p - s_n) - (t_p - t_n))^2 (Hofstaetter et al. 2020).

    p runs over the judged targets of query i, n over its other judged items; a query without both is skipped. A shift
    of all teacher scores of a query changes nothing. Needs teacher scores, or raises TrainingError.
    """

    scale: float = 1.0

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch, from two means and two variances instead of all pairs."""
        c = judged_candidates(batch, "margin_mse")
        other_BJ = c.is_judged_BJ & ~c.is_target_BJ
        error_BJ = c.score_BJ * self.scale - c.teacher_BJ
        target_B, rest_B = mean_over(error_BJ, c.is_target_BJ), mean_over(error_BJ, other_BJ)
        spread_B = mean_over((error_BJ - target_B[:, None]).square(), c.is_target_BJ)
        spread_B = spread_B + mean_over((error_BJ - rest_B[:, None]).square(), other_BJ)
        contributes_B = c.is_target_BJ.any(1) & other_BJ.any(1)
        return reduce(spread_B + (target_B - rest_B).square(), contributes_B, batch.weight_B)
