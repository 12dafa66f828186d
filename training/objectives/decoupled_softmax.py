"""Decoupled softmax: each positive competes with the negatives only, never with the other positives.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from training.objectives.competition import compete, mean_over_targets, n_negatives
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.logq import LogQ, corrected_loss, log_complement, require_logq, softmax_loss


class DecoupledSoftmaxConfig(ObjectiveSettings):
    """Softmax in which a query's positives do not push each other down."""

    kind: Literal["decoupled_softmax"] = "decoupled_softmax"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the softmax.")
    logq: LogQ = Field(default="none", description="Correction for the popularity of sampled negatives.")

    @property
    def draw_correction(self) -> LogQ:
        """The correction asked for."""
        return self.logq

    def build(self, dimension: int) -> "DecoupledSoftmax":
        """The objective; `dimension` does not matter."""
        return DecoupledSoftmax(self.temperature, self.logq)


@dataclass(frozen=True)
class DecoupledSoftmax:
    """L_i = mean over positives p of log(1 + e^(neg_i - Z_ip)), neg_i = logsumexp of the negatives (DEXML, ICLR 2024).

    With one positive a query it is InfoNCE. Its infimum is 0; a positive is never pushed down.
    """

    temperature: float
    logq: LogQ = "none"

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; raises TrainingError when `logq` needs probabilities that the batch lacks."""
        logq_M = require_logq(batch, self.logq)
        c = compete(batch, self.temperature, logq_M)
        if logq_M is None:
            loss_BP = softmax_loss(c.score_BP, c.negatives_B1)
        elif self.logq == "classic":
            loss_BP = softmax_loss(c.score_BP - logq_M[c.column_BP], c.negatives_B1)
        else:
            rest_BP = c.negatives_B1 + log_complement(logq_M[c.column_BP])
            loss_BP = corrected_loss(c.score_BP, rest_BP, n_negatives(c, batch.draws_M))
        return reduce(mean_over_targets(loss_BP, c), c.contributes_B, batch.weight_B)
