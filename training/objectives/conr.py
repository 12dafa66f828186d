"""ConR: items whose grades differ, but whose scores do not, are pushed apart; items of like grade are pulled together.

Axes: B queries, P most graded items of a query, D embedding; the last P of BPP is the item compared with.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding, normalize

from training.objectives.competition import logsumexp
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over
from training.objectives.supremix import require_grades


class ConRConfig(ObjectiveSettings):
    """Contrastive regulariser over a query's graded items; a term of a weighted sum, for it never pulls at queries."""

    no_logq: ClassVar[str] = "compares the graded items of a query only"
    kind: Literal["conr"] = "conr"
    temperature: float = Field(default=0.07, gt=0, description="Divides the cosines between items.")
    window: float = Field(default=1.0, gt=0, description="Grades, or predicted grades, this close count as like.")
    gap_weight: float = Field(
        default=0.01, ge=0, description="A negative weighs e to this times the gap between the grades."
    )
    prediction_scale: float = Field(
        default=1.0, gt=0, description="A score times this is a predicted grade, up to a constant."
    )

    @property
    def needs_grades(self) -> bool:
        """Always."""
        return True

    def build(self, dimension: int) -> "ConR":
        """The objective; `dimension` does not matter."""
        return ConR(self.temperature, self.window, self.gap_weight, self.prediction_scale)


@dataclass(frozen=True)
class ConR:
    """L_i = mean over anchors of `contrast` among the graded targets of query i (ConR, carried over to retrieval).

    Features are the item embeddings, predictions the scaled scores. An anchor needs an item of like grade, and one of
    another grade but like prediction; a query without such an anchor is skipped. The query's embedding gets no
    gradient: predictions only choose the negatives. Raises TrainingError for a batch without grades.
    """

    temperature: float
    window: float = 1.0
    gap_weight: float = 0.01
    prediction_scale: float = 1.0

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        grade_BM = require_grades(batch, "conr")
        column_BP, is_graded_BP = columns_of(batch.positive_BM & batch.valid_BM)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD = at_least_float32(batch.query_BD)
            item_BPD = embedding(column_BP, at_least_float32(batch.item_MD)).masked_fill(~is_graded_BP[:, :, None], 0.0)
            # Times zero, for a comparison would hide a query that is not finite.
            prediction_BP = torch.einsum("bpd,bd->bp", item_BPD, query_BD) * self.prediction_scale
            loss_BP, is_anchor_BP = contrast(
                normalize(item_BPD, dim=2),
                grade_BM.to(query_BD.dtype).gather(1, column_BP),
                prediction_BP.detach(),
                is_graded_BP,
                temperature=self.temperature,
                window=self.window,
                gap_weight=self.gap_weight,
            )
            loss_B = mean_over(loss_BP, is_anchor_BP) + 0 * prediction_BP.sum(1)
        contributes_B = is_anchor_BP.any(1) | loss_B.isnan()
        return reduce(loss_B, contributes_B, batch.weight_B)


def contrast(
    feature_BPD: Tensor,
    label_BP: Tensor,
    prediction_BP: Tensor,
    is_graded_BP: Tensor,
    *,
    temperature: float,
    window: float,
    gap_weight: float,
) -> tuple[Tensor, Tensor]:
    """ConR's loss of each anchor, and which anchors have a positive and a negative (the others' is 0).

    -mean over positives p of log(e^s_p / (sum_p e^s_p + sum_n e^(s_n + gap_weight |y - y_n|))), s = feature.feature /
    temperature. Positives: |y - y_p| <= window. Negatives: |y - y_n| > window, but the predictions are within window.
    """
    s_BPP = feature_BPD @ feature_BPD.transpose(1, 2) / temperature
    gap_BPP = (label_BP[:, :, None] - label_BP[:, None, :]).abs()
    near_BPP = (prediction_BP[:, :, None] - prediction_BP[:, None, :]).abs() <= window
    other_BPP = ~torch.eye(label_BP.shape[1], dtype=torch.bool, device=label_BP.device)
    pair_BPP = is_graded_BP[:, :, None] & is_graded_BP[:, None, :] & other_BPP
    positive_BPP = pair_BPP & (gap_BPP <= window)
    negative_BPP = pair_BPP & (gap_BPP > window) & near_BPP
    weighted_BPP = torch.where(negative_BPP, s_BPP + gap_weight * gap_BPP, s_BPP)
    total_BP, _ = logsumexp(torch.where(positive_BPP | negative_BPP, weighted_BPP, -torch.inf))
    count_BP = positive_BPP.sum(2)
    is_anchor_BP = (count_BP > 0) & negative_BPP.any(2)
    loss_BP = total_BP - torch.where(positive_BPP, s_BPP, 0.0).sum(2) / count_BP.clamp_min(1)
    return loss_BP.masked_fill(~is_anchor_BP, 0.0), is_anchor_BP
