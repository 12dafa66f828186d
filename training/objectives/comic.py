"""Long-tail weights and partial labels: a focal loss over the pool in which rare items weigh more (COMIC).

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.errors import TrainingError
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32


class ComicConfig(ObjectiveSettings):
    """Asymmetric focal loss on every score, weighted by how rare the item is as a target."""

    no_logq: ClassVar[str] = "judges every item by itself"
    kind: Literal["comic"] = "comic"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the logistic function.")
    rarity: float = Field(
        default=1 / 3, ge=0, description="Exponent of the weight of rare items; 0 weighs all items alike."
    )
    target_focus: float = Field(default=0.0, ge=0, description="Focal exponent of targets.")
    negative_focus: float = Field(
        default=3.0, ge=1, description="Focal exponent of negatives, to which an item's weight is added."
    )
    shift: float = Field(default=0.05, ge=0, lt=1, description="Negatives of a smaller probability cost nothing.")
    corrector_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="An item that is no target but has a greater probability is no negative either; "
        "unset to trust every negative.",
    )

    def build(self, dimension: int) -> "Comic":
        """The objective; `dimension` does not matter."""
        return Comic(
            self.temperature,
            self.rarity,
            self.target_focus,
            self.negative_focus,
            self.shift,
            self.corrector_threshold,
        )


@dataclass(frozen=True)
class Comic:
    """L_i = -(sum_p w_p (1-s_p)^f log s_p + sum_n w_n (1-q_n)^(g+w_n) log q_n) / targets (PLT-MLC / COMIC).

    s = sigma(score / temperature), q = min(1 - s + shift, 1), w = (1 - log(count / largest count))^rarity, where the
    largest count is that of the pool. Divided by the number of targets, as is usual for focal losses. A negative drawn
    n times counts n times. Not invariant to a shift of all scores. Raises TrainingError for a batch without counts.
    """

    temperature: float
    rarity: float = 1 / 3
    target_focus: float = 0.0
    negative_focus: float = 3.0
    shift: float = 0.05
    corrector_threshold: float | None = None

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; `logs["corrected"]` counts the negatives that the threshold dropped."""
        target_BM, negative_BM = batch.positive_BM & batch.valid_BM, batch.valid_BM & ~batch.positive_BM
        if batch.draws_M is not None:
            negative_BM = negative_BM & (batch.draws_M > 0)
        contributes_B = target_BM.any(1) & negative_BM.any(1)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            logit_BM = at_least_float32(batch.query_BD) / self.temperature @ at_least_float32(batch.item_MD).T
            logit_BM = logit_BM.masked_fill(~batch.valid_BM, 0.0)
            weight_M = self._weights(batch, logit_BM.dtype)
            drawn_M = weight_M if batch.draws_M is None else weight_M * batch.draws_M
            unsure_BM = self._unsure(logit_BM, negative_BM)
            negative_BM = negative_BM & ~unsure_BM
            loss_BM = torch.where(negative_BM, self._of_negatives(logit_BM, weight_M) * drawn_M, 0.0)
            loss_BM = torch.where(target_BM, self._of_targets(logit_BM) * weight_M, loss_BM)
        output = reduce(loss_BM.sum(1) / target_BM.sum(1).clamp_min(1), contributes_B, batch.weight_B)
        output.logs["corrected"] = unsure_BM.sum()
        return output

    def _weights(self, batch: LossInput, dtype: torch.dtype) -> Tensor:
        if batch.count_M is None:
            raise TrainingError("objective.kind = 'comic' weighs items by their counts, but these batches carry none")
        in_play_M = batch.valid_BM.any(0)
        return rarity_weight(batch.count_M.to(dtype).masked_fill(~in_play_M, 1.0), self.rarity)

    def _unsure(self, logit_BM: Tensor, negative_BM: Tensor) -> Tensor:
        if self.corrector_threshold is None:
            return torch.zeros_like(negative_BM)
        return negative_BM & (logit_BM.detach().sigmoid() > self.corrector_threshold)

    def _of_targets(self, logit_BM: Tensor) -> Tensor:
        if self.target_focus == 0:
            return -logsigmoid(logit_BM)
        # In logs, for the power of an underflowed probability has no finite gradient.
        return -(self.target_focus * logsigmoid(-logit_BM)).exp() * logsigmoid(logit_BM)

    def _of_negatives(self, logit_BM: Tensor, weight_M: Tensor) -> Tensor:
        if self.shift == 0:
            log_q_BM = logsigmoid(-logit_BM)
        else:
            log_q_BM = ((-logit_BM).sigmoid() + self.shift).clamp_max(1.0).log()
        miss_BM = (logit_BM.sigmoid() - self.shift).clamp_min(0.0)
        return -miss_BM.pow(self.negative_focus + weight_M) * log_q_BM


def rarity_weight(count_M: Tensor, exponent: float) -> Tensor:
    """(1 - log(count / largest count))^exponent; an item without any counts as one with a single target."""
    count_M = count_M.clamp_min(1.0)
    return (1 - (count_M / count_M.amax()).log()).pow(exponent)
