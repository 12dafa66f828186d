"""Decoupled softmax: each positive competes with the negatives only, never with the other positives.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor

from training.errors import TrainingError
from training.objectives.competition import Competition, compete, mean_over_targets, n_negatives
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.logq import LogQ, corrected_loss, log_complement, require_logq, softmax_loss


class DecoupledSoftmaxConfig(ObjectiveSettings):
    """Softmax in which a query's positives do not push each other down."""

    kind: Literal["decoupled_softmax"] = "decoupled_softmax"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the softmax.")
    logq: LogQ = Field(default="none", description="Correction for the popularity of sampled negatives.")
    grade_weights: bool = Field(
        default=False, description="Whether the loss of each target is multiplied by its grade; needs graded targets."
    )

    @property
    def needs_grades(self) -> bool:
        """Only as weights."""
        return self.grade_weights

    @property
    def draw_correction(self) -> LogQ:
        """The correction asked for."""
        return self.logq

    def build(self, dimension: int) -> "DecoupledSoftmax":
        """The objective; `dimension` does not matter."""
        return DecoupledSoftmax(self.temperature, self.logq, self.grade_weights)


@dataclass(frozen=True)
class DecoupledSoftmax:
    """L_i = mean over positives p of w_ip log(1 + e^(neg_i - Z_ip)), neg_i = logsumexp of the negatives (DEXML, 2024).

    w_ip is 1, or with `grade_weights` the grade of the target; the mean is not divided by the grades. With one positive
    a query it is InfoNCE. Its infimum is 0; a positive is never pushed down.
    """

    temperature: float
    logq: LogQ = "none"
    grade_weights: bool = False

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; raises TrainingError when the batch lacks the probabilities or grades that it needs."""
        logq_M = require_logq(batch, self.logq)
        c = compete(batch, self.temperature, logq_M)
        if logq_M is None:
            loss_BP = softmax_loss(c.score_BP, c.negatives_B1)
        elif self.logq == "classic":
            loss_BP = softmax_loss(c.score_BP - logq_M[c.column_BP], c.negatives_B1)
        else:
            rest_BP = c.negatives_B1 + log_complement(logq_M[c.column_BP])
            loss_BP = corrected_loss(c.score_BP, rest_BP, n_negatives(c, batch))
        if self.grade_weights:
            loss_BP = loss_BP * _grades(batch, c).to(loss_BP.dtype)
        return reduce(mean_over_targets(loss_BP, c), c.contributes_B, batch.weight_B)


def _grades(batch: LossInput, c: Competition) -> Tensor:
    if batch.grade_BM is None:
        raise TrainingError(
            "objective.grade_weights needs graded targets, but these interactions carry no grades; name the grade "
            "column of the data, or set grade_weights = false"
        )
    # Grades may be anything elsewhere, and NaN would spoil the gradient though the loss leaves it out.
    return batch.grade_BM.gather(1, c.column_BP).masked_fill(~c.is_target_BP, 0.0)
