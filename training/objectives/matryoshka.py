"""Matryoshka: the same objective on the leading entries of the embeddings, so that a shorter embedding works too.

Axes: B queries, M items of the pool, D embedding.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import nn
from torch.nn.functional import normalize

from bundle.errors import ConfigError
from training.objectives.contract import LossInput, LossOutput, Objective, ObjectiveSettings
from training.objectives.judged import at_least_float32
from training.objectives.single import SingleObjective
from training.objectives.weighted_sum import WeightedSumConfig


class MatryoshkaConfig(ObjectiveSettings):
    """One objective at several widths."""

    no_logq: ClassVar[str] = "leaves logq to its objective"
    kind: Literal["matryoshka"] = "matryoshka"
    dims: tuple[PositiveInt, ...] = Field(min_length=1, description="Widths, descending; usually the whole one first.")
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None, description="Weight of each width; all 1 if unset."
    )
    normalize: bool = Field(
        default=True, description="Whether shortened embeddings get unit length; right for the metric 'cosine'."
    )
    objective: Annotated[SingleObjective | WeightedSumConfig, Field(discriminator="kind")] = Field(
        description="Loss at every width."
    )

    @property
    def draw_correction(self) -> Literal["none", "classic", "corrected"]:
        """That of the objective."""
        return self.objective.draw_correction

    @property
    def parts(self) -> tuple[ObjectiveSettings, ...]:
        """Those of the objective."""
        return self.objective.parts

    @model_validator(mode="after")
    def _dims_descend(self) -> Self:
        if any(left <= right for left, right in zip(self.dims, self.dims[1:], strict=False)):
            raise ValueError(f"dims = {list(self.dims)} do not descend")
        if self.weights is not None and len(self.weights) != len(self.dims):
            raise ValueError(f"{len(self.weights)} weights for {len(self.dims)} dims; give one each")
        return self

    def build(self, dimension: int) -> "Matryoshka":
        """The objective; raises ConfigError when a width exceeds `dimension`."""
        if too_wide := [width for width in self.dims if width > dimension]:
            raise ConfigError(
                f"objective.dims has {', '.join(map(str, too_wide))}, but dimension = {dimension}; "
                "leave these out, or raise dimension"
            )
        weights = self.weights or (1.0,) * len(self.dims)
        widths = [
            (width, weight, self.objective.build(width)) for width, weight in zip(self.dims, weights, strict=True)
        ]
        return Matryoshka(widths, self.normalize)


class Matryoshka(nn.Module):
    """L = sum over widths m of weight_m loss(the first m entries) (Matryoshka representation learning, NeurIPS 2022).

    An objective with weights of its own has others at each width. `logs` has 'loss/<m>' before the weight, and those of
    the objective under '<m>/'.
    """

    def __init__(self, widths: Sequence[tuple[int, float, Objective]], unit_length: bool = True) -> None:
        """`widths`: width, weight, objective for that width; those with weights of their own are registered."""
        super().__init__()
        self._widths, self._unit_length = list(widths), unit_length
        self.learned = nn.ModuleList([item for _, _, item in widths if isinstance(item, nn.Module)])

    def forward(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        losses, per_query, skipped, logs = [], [], [], {}
        for width, weight, objective in self._widths:
            output = objective(cut(batch, slice(0, width), unit_length=self._unit_length))
            losses.append(output.loss * weight)
            per_query.append(output.per_query_B * weight)
            skipped.append(output.logs["skipped"])
            logs[f"loss/{width}"] = output.loss.detach()
            logs |= {f"{width}/{key}": value for key, value in output.logs.items() if key != "skipped"}
        logs["skipped"] = torch.stack(skipped).amin()
        return LossOutput(torch.stack(losses).sum(), torch.stack(per_query).sum(0), logs)


def cut(batch: LossInput, columns: slice, *, unit_length: bool) -> LossInput:
    """The batch with these entries of the embeddings only, in float32 at least."""
    query_BD, item_MD = (at_least_float32(side[:, columns]) for side in (batch.query_BD, batch.item_MD))
    if unit_length:
        query_BD, item_MD = normalize(query_BD), normalize(item_MD)
    return replace(batch, query_BD=query_BD, item_MD=item_MD)
