"""The one contract between batches and objectives: what a loss may read, and what it gives back.

Axes: B queries of the batch, M items of the pool (each once), D embedding.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import torch
from pydantic import model_validator
from torch import Tensor

from bundle.config import Config


@dataclass(frozen=True)
class LossInput:
    """A batch of queries against a pool of distinct items.

    `positive_BM` marks the targets of each query. `valid_BM` is False where an item may not take part in a
    query's loss: padding, or a known positive that is not a target. `draws_M` says how often the item was drawn
    as a negative: an item with 0 draws is in the pool only as somebody's target, an item with n draws counts n
    times in a denominator. `logq_M` is the log probability that one draw gives the item, over the catalogue;
    None when negatives need no correction. `weight_B` weighs queries. `grade_BM` is the grade of each target, and
    anything elsewhere. `teacher_BM` is a teacher's score, NaN where it gave none. `count_M` says how often
    training has the item as a target. `certain_M` marks items that somebody chose and no draw gave; 1 draw stands
    for each, and as negatives `logq_M` is not theirs.
    """

    query_BD: Tensor
    item_MD: Tensor
    positive_BM: Tensor
    valid_BM: Tensor
    draws_M: Tensor | None = None
    logq_M: Tensor | None = None
    weight_B: Tensor | None = None
    grade_BM: Tensor | None = None
    teacher_BM: Tensor | None = None
    count_M: Tensor | None = None
    certain_M: Tensor | None = None


@dataclass(frozen=True)
class LossOutput:
    """The scalar to descend, its part for each query, and detached scalars worth a curve."""

    loss: Tensor
    per_query_B: Tensor
    logs: dict[str, Tensor] = field(default_factory=dict)


class Objective(Protocol):
    """Maps a batch to a loss, in float32 at least, without randomness.

    One with weights of its own is a `torch.nn.Module`; the loop trains them with the towers, and they are not exported.
    """

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch: the mean over the queries that have a target and a negative."""


class ObjectiveSettings(Config):
    """What every kind of objective tells the configuration that holds it."""

    needs_teacher: ClassVar[bool] = False
    no_logq: ClassVar[str] = "is no sampled softmax"

    @property
    def needs_grades(self) -> bool:
        """Whether it makes no sense without graded interactions."""
        return False

    @property
    def draw_correction(self) -> Literal["none", "classic", "corrected"]:
        """The logQ correction that this objective applies."""
        return "none"

    @property
    def parts(self) -> "tuple[ObjectiveSettings, ...]":
        """The objectives that this one is made of; itself, if it is no combination."""
        return (self,)

    @abstractmethod
    def build(self, dimension: int) -> Objective:
        """The objective for embeddings of that width."""

    @model_validator(mode="before")
    @classmethod
    def _logq_has_a_place(cls, settings: Any) -> Any:
        if isinstance(settings, dict) and "logq" in settings and "logq" not in cls.model_fields:
            raise ValueError(
                f"objective.kind = '{cls.model_fields['kind'].default}' {cls.no_logq}, so a logQ correction would bias "
                "it; remove logq, or use softmax or decoupled_softmax"
            )
        return settings


def reduce(per_query_B: Tensor, contributes_B: Tensor, weight_B: Tensor | None) -> LossOutput:
    """Weighted mean over the contributing queries; the others count in `logs` as skipped."""
    per_query_B = per_query_B.masked_fill(~contributes_B, 0.0)
    share_B = contributes_B.to(per_query_B.dtype)
    if weight_B is not None:
        share_B = share_B * weight_B
    loss = (per_query_B * share_B).sum() / share_B.sum().clamp_min(torch.finfo(share_B.dtype).tiny)
    return LossOutput(loss, per_query_B, {"skipped": (~contributes_B).sum().detach()})
