"""Softmax over the pool: InfoNCE with one positive a query, coupled multi-positive cross-entropy with several.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from training.objectives.competition import Competition, compete, logsumexp, mean_over_targets, n_negatives
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.logq import LogQ, corrected_loss, log_complement, require_logq

# The log of no mass, but finite: minus infinity would make the gradients of log sums NaN.
_NOTHING = -1e30


class SoftmaxConfig(ObjectiveSettings):
    """Cross-entropy against the query's positives, which share one softmax."""

    kind: Literal["softmax"] = "softmax"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the softmax.")
    logq: LogQ = Field(default="none", description="Correction for the popularity of sampled negatives.")

    @property
    def draw_correction(self) -> LogQ:
        """The correction asked for."""
        return self.logq

    def build(self, dimension: int) -> "Softmax":
        """The objective; `dimension` does not matter."""
        return Softmax(self.temperature, self.logq)


@dataclass(frozen=True)
class Softmax:
    """L_i = mean over positives p of logsumexp_j Z_ij - Z_ip, over all valid j (InfoNCE, van den Oord et al. 2018).

    With several positives it cannot fall below log of their number, and pushes an easy positive down.
    """

    temperature: float
    logq: LogQ = "none"

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; raises TrainingError when `logq` needs probabilities that the batch lacks."""
        logq_M = require_logq(batch, self.logq)
        c = compete(batch, self.temperature, logq_M)
        if logq_M is not None and self.logq == "corrected":
            loss_BP = _corrected(c, batch, logq_M)
        else:
            score_BP = c.score_BP if logq_M is None else c.score_BP - logq_M[c.column_BP]
            targets_B, _ = logsumexp(score_BP.masked_fill(~c.is_target_BP, -torch.inf))
            loss_BP = torch.logaddexp(c.negatives_B1, targets_B[:, None]) - score_BP
        return reduce(mean_over_targets(loss_BP, c), c.contributes_B, batch.weight_B)


def _corrected(c: Competition, batch: LossInput, logq_M: Tensor) -> Tensor:
    """Only drawn negatives are corrected; the query's other targets stay in the denominator as they are."""
    n_negatives_B1 = n_negatives(c, batch)
    rest_BP = c.negatives_B1 + log_complement(logq_M[c.column_BP])
    others_BP = log_mass_of_others(c.score_BP.masked_fill(~c.is_target_BP, _NOTHING))
    # Others enter times n, because corrected_loss divides the whole rest by the number of draws.
    return corrected_loss(c.score_BP, torch.logaddexp(rest_BP, others_BP + n_negatives_B1.log()), n_negatives_B1)


def log_mass_of_others(score_BP: Tensor) -> Tensor:
    """logsumexp over all other entries of the row, of an entry without another a finite number below -1e29.

    The sum of what stands before and of what stands behind: nothing is subtracted, and no [B, P, P] array is made.
    """
    nothing_B1 = torch.full_like(score_BP[:, :1], _NOTHING)
    before_BP = torch.cat([nothing_B1, score_BP[:, :-1].logcumsumexp(1)], 1)
    behind_BP = torch.cat([score_BP[:, 1:].flip(1).logcumsumexp(1).flip(1), nothing_B1], 1)
    return torch.logaddexp(before_BP, behind_BP)
