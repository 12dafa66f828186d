"""A sum of objectives, with the loss and the gradient of each in the log.

Axes: B queries, M items of the pool, D embedding.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.config import Config
from training.objectives.contract import LossInput, LossOutput, Objective, ObjectiveSettings
from training.objectives.single import SingleObjectiveConfig


class Term(Config):
    """One summand."""

    weight: float = Field(
        default=1.0,
        gt=0,
        description="Multiplies the loss; 'gradient/<kind>' in the log should be 0.1 to 0.3 of the main term's.",
    )
    objective: SingleObjectiveConfig = Field(description="Loss.")


class WeightedSumConfig(ObjectiveSettings):
    """Several objectives over the same batch."""

    no_logq: ClassVar[str] = "leaves logq to its terms"
    kind: Literal["weighted_sum"] = "weighted_sum"
    terms: tuple[Term, ...] = Field(min_length=2, description="Summands, the main one first.")

    @property
    def draw_correction(self) -> Literal["none", "classic", "corrected"]:
        """The first correction among the terms."""
        return first_correction(self.parts)

    @property
    def parts(self) -> tuple[ObjectiveSettings, ...]:
        """The terms."""
        return tuple(term.objective for term in self.terms)

    def build(self, dimension: int) -> "WeightedSum":
        """The objective over terms built for that width."""
        return WeightedSum([(t.objective.kind, t.weight, t.objective.build(dimension)) for t in self.terms])


def first_correction(parts: Sequence[ObjectiveSettings]) -> Literal["none", "classic", "corrected"]:
    """The first logQ correction that any of these applies."""
    return next((part.draw_correction for part in parts if part.draw_correction != "none"), "none")


class WeightedSum(nn.Module):
    """L = sum of weight times loss; each term is the mean over the queries that contribute to that term.

    `logs` has for each term 'loss/<kind>', before its weight, and, where gradients are taken, 'gradient/<kind>': the
    norm of the weighted term's gradient on the embeddings of queries and items together. A second term of one kind is
    '<kind>_2'. The gradients are taken here, once, and handed on in backward; so `per_query_B` is detached.
    """

    def __init__(self, terms: Sequence[tuple[str, float, Objective]]) -> None:
        """`terms`: kind, weight, objective; those with weights of their own are registered."""
        super().__init__()
        kinds = [kind for kind, _, _ in terms]
        earlier = [kinds[:place].count(kind) for place, kind in enumerate(kinds)]
        self._names = [kind if n == 0 else f"{kind}_{n + 1}" for kind, n in zip(kinds, earlier, strict=True)]
        self._weights = [weight for _, weight, _ in terms]
        self._objectives = [objective for _, _, objective in terms]
        self.learned = nn.ModuleList([term for term in self._objectives if isinstance(term, nn.Module)])

    def forward(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        outputs = [objective(batch) for objective in self._objectives]
        logs = {"skipped": _skipped_by_all(outputs)}
        for name, output in zip(self._names, outputs, strict=True):
            logs[f"loss/{name}"] = output.loss.detach()
            logs |= {f"{key}/{name}": value for key, value in output.logs.items()}
        weighted = [output.loss * weight for output, weight in zip(outputs, self._weights, strict=True)]
        per_query_B = torch.stack(
            [output.per_query_B.detach() * weight for output, weight in zip(outputs, self._weights, strict=True)]
        ).sum(0)
        loss = torch.stack([term.detach() for term in weighted]).sum()
        inputs = [value for value in (batch.query_BD, batch.item_MD, *self.parameters()) if value.requires_grad]
        if not (torch.is_grad_enabled() and inputs):
            return LossOutput(loss, per_query_B, logs)
        totals = [torch.zeros_like(value) for value in inputs]
        n_embeddings = sum(value.requires_grad for value in (batch.query_BD, batch.item_MD))
        for name, term in zip(self._names, weighted, strict=True):
            gradients = _gradients(term, inputs)
            squares = [value.float().square().sum() for value in gradients[:n_embeddings]]
            logs[f"gradient/{name}"] = torch.stack([*squares, loss.new_zeros(())]).sum().sqrt()
            totals = [total + gradient for total, gradient in zip(totals, gradients, strict=True)]
        return LossOutput(_with_gradients(loss, inputs, totals), per_query_B, logs)


def _gradients(loss: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    if not loss.requires_grad:
        return [torch.zeros_like(value) for value in inputs]
    return list(torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True))


def _with_gradients(loss: Tensor, inputs: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """The same number, whose gradient on each input is the one given: backward need not go through the terms again."""
    for value, gradient in zip(inputs, gradients, strict=True):
        loss = loss + ((value - value.detach()) * gradient).sum()
    return loss


def _skipped_by_all(outputs: list[LossOutput]) -> Tensor:
    """Queries that no term took: at most those of the term that skipped fewest, and of loss 0 in every term."""
    nothing_B = torch.stack([output.per_query_B.detach() == 0 for output in outputs]).all(0)
    fewest = torch.stack([output.logs["skipped"] for output in outputs]).amin()
    return torch.minimum(nothing_B.sum(), fewest)
