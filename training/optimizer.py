"""The optimizer: AdamW over towers and objective, pretrained parts at a rate of their own, one schedule for all."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from training.model import DualEncoder
from training.objectives import Objective
from training.trainer import TrainerConfig


class HasModules(Protocol):
    """A torch.nn.Module, or whatever shows its modules and weights like one."""

    def modules(self) -> Iterator[nn.Module]:
        """It and every module inside it."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Its weights, each once."""


def build_optimizer(model: DualEncoder, objective: Objective, config: TrainerConfig) -> torch.optim.AdamW:
    """AdamW over both, in `rate_groups`."""
    own = [objective] if isinstance(objective, nn.Module) else []
    groups = rate_groups([model, *own], config.learning_rate, config.pretrained_learning_rate)
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay, fused=True)


def rate_groups(parts: Sequence[HasModules], rate: float, pretrained_rate: float) -> list[dict[str, Any]]:
    """Groups of parameters for an optimizer: those of modules whose class says `pretrained = True` are the second."""
    pretrained = {
        parameter
        for part in parts
        for module in part.modules()
        if getattr(type(module), "pretrained", False) is True
        for parameter in module.parameters()
    }
    every = [parameter for part in parts for parameter in part.parameters()]
    fresh = [parameter for parameter in every if parameter not in pretrained]
    known = [parameter for parameter in every if parameter in pretrained]
    groups = ((fresh, rate), (known, pretrained_rate))
    return [{"params": params, "lr": own, "initial_lr": own} for params, own in groups if params]


class Schedule(Protocol):
    """How learning rates change over the steps."""

    @property
    def warmup(self) -> float:
        """Share of all steps over which they rise."""

    @property
    def schedule(self) -> Literal["constant", "linear"]:
        """What they do then."""


def rate_factor(config: Schedule, step: int, steps: int) -> float:
    """What the learning rates are multiplied with at step number `step`, counted from 0, of `steps` in all.

    It rises evenly over the first `warmup` of all steps; then it stays at 1, or falls evenly to 0.
    """
    rising = math.ceil(config.warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / (steps - rising) if config.schedule == "linear" else 1.0


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Give every group its own rate times `factor`."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def clip_gradients(optimizer: torch.optim.Optimizer, largest: float | None) -> Tensor:
    """The norm of all gradients together, before they were scaled down to `largest` (None leaves them)."""
    parameters: Sequence[nn.Parameter] = [p for group in optimizer.param_groups for p in group["params"]]
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if largest is not None:
        nn.utils.clip_grads_with_norm_(parameters, largest, norm)
    return norm
