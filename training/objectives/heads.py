"""Two heads in one embedding: each half has an objective of its own, and one index serves both.

Axes: B queries, M items of the pool, D embedding, half of which is each head's.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from bundle.errors import ConfigError
from training.objectives.contract import LossInput, LossOutput, Objective, ObjectiveSettings
from training.objectives.matryoshka import cut
from training.objectives.single import SingleObjective
from training.objectives.weighted_sum import WeightedSumConfig, first_correction

_HeadObjective = Annotated[SingleObjective | WeightedSumConfig, Field(discriminator="kind")]


class HeadsConfig(ObjectiveSettings):
    """One objective for the first half of the embeddings, one for the second: two views, or labels and a teacher."""

    no_logq: ClassVar[str] = "leaves logq to its two objectives"
    kind: Literal["heads"] = "heads"
    first: _HeadObjective = Field(description="Loss of the first half, usually a contrastive one.")
    second: _HeadObjective = Field(description="Loss of the second half, for instance a distillation.")
    weight: float = Field(default=1.0, gt=0, description="Multiplies the loss of the second half.")

    @property
    def draw_correction(self) -> Literal["none", "classic", "corrected"]:
        """The first correction of the two."""
        return first_correction(self.parts)

    @property
    def parts(self) -> tuple[ObjectiveSettings, ...]:
        """Those of both."""
        return (*self.first.parts, *self.second.parts)

    def build(self, dimension: int) -> "Heads":
        """The objective; raises ConfigError when `dimension` has no halves."""
        if dimension % 2:
            raise ConfigError(f"objective.kind = 'heads' halves the embedding, but dimension = {dimension} is odd")
        half = dimension // 2
        return Heads(self.first.build(half), self.second.build(half), self.weight)


class Heads(nn.Module):
    """L = loss(first half) + weight loss(second half), each half at unit length.

    Two unit halves u and t are served by one index: with [sqrt(a) u; sqrt(1 - a) t] on both sides, or a and 1 - a on
    the query's side only, the dot product is a <u_q, u_x> + (1 - a) <t_q, t_x> (as in RDE, DHKD and DHO). `logs` has
    'first/loss', 'second/loss' and those of the two objectives under 'first/' and 'second/'.
    """

    def __init__(self, first: Objective, second: Objective, weight: float = 1.0) -> None:
        """Objectives for half of the width."""
        super().__init__()
        self._objectives, self._weight = (first, second), weight
        self.learned = nn.ModuleList([item for item in (first, second) if isinstance(item, nn.Module)])

    def views(self, batch: LossInput) -> tuple[LossOutput, LossOutput]:
        """What each half gives by itself, without the weight."""
        half = batch.query_BD.shape[1] // 2
        first, second = self._objectives
        return (
            first(cut(batch, slice(0, half), unit_length=True)),
            second(cut(batch, slice(half, None), unit_length=True)),
        )

    def forward(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; a query counts as skipped when both halves skip it."""
        first, second = self.views(batch)
        logs = {}
        for name, output in (("first", first), ("second", second)):
            logs[f"{name}/loss"] = output.loss.detach()
            logs |= {f"{name}/{key}": value for key, value in output.logs.items()}
        nothing = ((first.per_query_B == 0) & (second.per_query_B == 0)).sum()
        logs["skipped"] = torch.minimum(nothing, torch.minimum(first.logs["skipped"], second.logs["skipped"]))
        return LossOutput(
            first.loss + self._weight * second.loss, first.per_query_B + self._weight * second.per_query_B, logs
        )
