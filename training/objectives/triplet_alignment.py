"""Triplet alignment: a margin between an anchor's targets and a soft maximum of its negatives, in both directions.

Axes: B queries, M items of the pool, V pairs of a query and one of its targets, A anchors of one direction, O items or
queries that an anchor is compared with, D embedding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32
from training.objectives.mass import log_mass

# (anchors [A, D], others [O, D], log of how often each other counts [O], which are negatives [A, O]) -> [A]
Hardness = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class TripletAlignmentConfig(ObjectiveSettings):
    """Robust to wrong pairs: one wrong negative does not decide the gradient as it does in the hardest triplet."""

    no_logq: ClassVar[str] = "holds a margin to the hardest negatives and is no sampled softmax"
    kind: Literal["triplet_alignment"] = "triplet_alignment"
    margin: float = Field(default=0.1, ge=0, description="How far targets should be above negatives, in scores.")
    temperature: float = Field(
        default=0.015, gt=0, description="Softens the maximum over negatives; towards 0 only the hardest counts."
    )

    def build(self, dimension: int) -> "TripletAlignment":
        """The objective; `dimension` does not matter."""
        return TripletAlignment(self.margin, self.temperature)


@dataclass(frozen=True)
class TripletAlignment:
    """`triplet_loss` with the soft maximum t logsumexp(S / t) over negatives (RDE, CVPR 2024).

    In each direction it is between the hardest triplet's loss and that plus t log(negatives).
    """

    margin: float
    temperature: float

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        return triplet_loss(batch, self.margin, self.temperature, self._soft_maximum)

    def _soft_maximum(self, anchor_AD: Tensor, other_OD: Tensor, shift_O: Tensor, negative_AO: Tensor) -> Tensor:
        return self.temperature * log_mass(anchor_AD / self.temperature, other_OD, shift_O, negative_AO)


def triplet_loss(batch: LossInput, margin: float, temperature: float, hardness: Hardness) -> LossOutput:
    """L_i = [margin - S+_i + H_i]_+ + mean over its targets p of [margin - S+_p + H_p]_+, the mean over queries.

    S+ is the mean of the anchor's positive scores under the detached weights softmax(S / temperature), H the hardness
    of its negatives. The second term turns the direction: target p is the anchor, queries with it as target are its
    positives, queries for which it is valid and no target its negatives; without one the term is 0. With one target
    each this is the paper's loss, as a mean instead of its sum. Only queries that contribute take part. An item drawn n
    times is n negatives of a query.
    """
    negative_BM = batch.valid_BM > batch.positive_BM
    target_BM = batch.positive_BM & batch.valid_BM
    shift_M = torch.zeros(len(batch.item_MD), device=batch.item_MD.device)
    if batch.draws_M is not None:
        shift_M = batch.draws_M.float().log()  # -inf for an item that no draw gave
    contributes_B = target_BM.any(1) & (negative_BM & (shift_M != -torch.inf)).any(1)
    row_V, column_V = (target_BM & contributes_B[:, None]).nonzero(as_tuple=True)
    anchor_A, place_V = torch.unique(column_V, return_inverse=True)
    with torch.autocast(batch.query_BD.device.type, enabled=False):
        query_BD, item_MD = at_least_float32(batch.query_BD), at_least_float32(batch.item_MD)
        shift_M = shift_M.to(item_MD.dtype)
        score_V = (embedding(row_V, query_BD) * embedding(column_V, item_MD)).sum(1)
        lead_B = margin - _soft_mean(score_V, row_V, len(query_BD), temperature)
        loss_B = (lead_B + hardness(query_BD, item_MD, shift_M, negative_BM)).relu()
        negative_AB = negative_BM.T[anchor_A] & contributes_B
        lead_A = margin - _soft_mean(score_V, place_V, len(anchor_A), temperature)
        hardness_A = hardness(embedding(anchor_A, item_MD), query_BD, shift_M.new_zeros(len(query_BD)), negative_AB)
        loss_A = (lead_A + hardness_A).relu()
    back_B = torch.zeros_like(loss_B).index_add(0, row_V, loss_A[place_V])
    return reduce(loss_B + back_B / target_BM.sum(1).clamp_min(1), contributes_B, batch.weight_B)


def _soft_mean(score_V: Tensor, group_V: Tensor, groups: int, temperature: float) -> Tensor:
    """Mean of each group's scores with detached weights softmax(score / temperature); 0 for an empty group."""
    with torch.no_grad():
        logit_V = score_V / temperature
        top = logit_V.new_full((groups,), -torch.inf).scatter_reduce(0, group_V, logit_V, "amax")
        weight_V = (logit_V - top[group_V]).exp()
        weight_V /= torch.zeros_like(top).index_add(0, group_V, weight_V)[group_V]
    return score_V.new_zeros(groups).index_add(0, group_V, weight_V * score_V)
