"""The training loop: epochs of batches, validation after each, the best weights kept, a checkpoint to go on from."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bundle.progress import Progress
from training.batches import Batches
from training.checkpoint import CheckpointFile
from training.collapse import Spread, check_collapse
from training.divergence import check_step, check_weights, saved_so_far
from training.epoch_hook import EpochHook
from training.errors import ProcessLost
from training.memory import Memory
from training.model import DualEncoder
from training.objectives import Objective
from training.optimizer import build_optimizer, clip_gradients, rate_factor, set_rates
from training.processes import Processes
from training.steps import CachedEncode, DirectEncode, Step
from training.trainer import TrainerConfig

Validate = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class EpochLog:
    """What one epoch gave: its mean loss, the validation metrics after it, and means of whatever the objective logs.

    Epoch 0 stands for the first weights of a run that trains nothing; its loss is NaN.

    `logs` also has the mean norm of the gradients, what hooks report, and how far the embeddings lie apart.
    """

    epoch: int
    loss: float
    metrics: dict[str, float]
    logs: dict[str, float] = field(default_factory=dict)


@dataclass
class LoopState:
    """Where a run stands: epochs done, their logs, the best epoch and its weights."""

    epoch: int = 0
    logs: list[EpochLog] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = -math.inf
    best_weights: dict[str, Tensor] | None = None


class Loop:
    """Trains one model. Runs stopped after any epoch and resumed from the checkpoint end with equal weights."""

    def __init__(
        self,
        model: DualEncoder,
        objective: Objective,
        batches: Batches,
        config: TrainerConfig,
        *,
        validate: Validate | None = None,
        spread: Spread | None = None,
        checkpoint: CheckpointFile | None = None,
        hooks: Sequence[EpochHook] = (),
        processes: Processes | None = None,
    ) -> None:
        """`spread` measures how far apart embeddings lie; None looks for no collapse."""
        self.model = model
        self.objective = objective
        self.batches = batches
        self.config = config
        self.validate = validate
        self.spread = spread
        self.checkpoint = checkpoint
        self.hooks = hooks
        self.processes = processes or Processes()
        self.rng = np.random.default_rng(config.seed)
        self.optimizer = build_optimizer(model, objective, config)
        self.memory = Memory(config.memory, batches.examples.targets, batches.known) if config.memory else None
        self.step = Step(model, objective, _encode(config), processes=self.processes, memory=self.memory)
        self.state = LoopState()

    def run(self, epochs: int, progress: Progress, *, resume: bool = False, task: str = "epoch") -> LoopState:
        """Train up to `epochs` epochs in all and leave the best weights (the last without validation) in the model.

        `task` names an epoch for whoever watches. Raises Diverged, naming the step, when a loss, a gradient or a weight
        is not finite; Collapsed when embeddings fall together; CheckpointNotSaved; ProcessLost. What was good before
        is then still in the checkpoint.
        """
        if resume:
            self._restore()
        spread = self._spread_so_far()
        if epochs == 0:
            self._measure_untrained(spread)
        while self.state.epoch < epochs and not self._out_of_patience():
            number, saved = self.state.epoch + 1, saved_so_far(self.checkpoint, self.state.epoch)
            logs = {k: v for hook in self.hooks for k, v in hook.before_epoch(self.state.epoch).items()}
            loss, means = self._epoch(progress, f"{task} {number} of {epochs}", saved)
            check_weights(self.model, number, saved)
            before, spread = spread, self.processes.agreed(self.spread() if self.spread else {})
            check_collapse(before, spread, number, saved)
            metrics = self.processes.agreed(self.validate() if self.validate else {})
            self.state.epoch = number
            self.state.logs.append(EpochLog(number, loss, metrics, logs | means | spread))
            self._keep_best(metrics)
            if self.checkpoint and self.processes.leads:
                self.checkpoint.save(self._snapshot())
        if self.state.best_weights is not None:
            self.model.load_state_dict(self.state.best_weights)
        return self.state

    def _measure_untrained(self, spread: dict[str, float]) -> None:
        """A run without an epoch has the measures of its first weights, as epoch 0 with no loss."""
        metrics = self.processes.agreed(self.validate() if self.validate else {})
        if metrics:
            self.state.logs.append(EpochLog(0, math.nan, metrics, spread))

    def _epoch(self, progress: Progress, task: str, saved: str) -> tuple[float, dict[str, float]]:
        self.model.train()
        steps, remember = len(self.batches), self._remembers()
        losses = []
        logs: dict[str, list[Tensor]] = {}
        progress.start(task, steps)
        for index, batch in enumerate(self.batches.epoch(self.rng)):
            factor = rate_factor(self.config, self.state.epoch * steps + index, self.config.epochs * steps)
            set_rates(self.optimizer, factor)
            self.optimizer.zero_grad(set_to_none=True)
            output = self.step(batch, remember=remember)
            norm = clip_gradients(self.optimizer, self.config.clip_norm)
            losses.append(float(output.loss.detach()))
            check_step(losses[-1], float(norm), output.logs, self.state.epoch + 1, index + 1, saved)
            self.optimizer.step()
            for name, value in {**output.logs, "gradient_norm": norm}.items():
                logs.setdefault(name, []).append(value.detach().float())
            progress.advance()
        progress.note(f"loss {np.mean(losses):.4f}")
        progress.finish()
        return float(np.mean(losses)), {name: float(torch.stack(values).mean()) for name, values in logs.items()}

    def _remembers(self) -> bool:
        return self.config.memory is not None and self.state.epoch >= self.config.memory.start_epoch

    def _spread_so_far(self) -> dict[str, float]:
        if self.spread is None:
            return {}
        return self.processes.agreed(self.spread() if not self.state.logs else self.state.logs[-1].logs)

    def _keep_best(self, metrics: dict[str, float]) -> None:
        if metrics and metrics[self.config.metric] > self.state.best_value:
            self.state.best_value = metrics[self.config.metric]
            self.state.best_epoch = self.state.epoch
            self.state.best_weights = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def _out_of_patience(self) -> bool:
        waited = self.state.epoch - self.state.best_epoch
        return self.state.best_weights is not None and waited >= self.config.patience

    def _snapshot(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "objective": self.objective.state_dict() if isinstance(self.objective, nn.Module) else {},
            "optimizer": self.optimizer.state_dict(),
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "numpy_rng": json.dumps(self.rng.bit_generator.state),
            "epoch": self.state.epoch,
            "logs": [[log.epoch, log.loss, log.metrics, log.logs] for log in self.state.logs],
            "hooks": [hook.state() for hook in self.hooks],
            "memory": self.memory.state() if self.memory else [],
            "best_epoch": self.state.best_epoch,
            "best_value": self.state.best_value,
            "best_weights": self.state.best_weights,
        }

    def _restore(self) -> None:
        stored = self.checkpoint.load() if self.checkpoint else None
        self._check_same_epoch(stored)
        if stored is None:
            return
        self.model.load_state_dict(stored["model"])
        if isinstance(self.objective, nn.Module):
            self.objective.load_state_dict(stored["objective"])
        self.optimizer.load_state_dict(stored["optimizer"])
        torch.set_rng_state(stored["torch_rng"])
        if stored["cuda_rng"]:
            torch.cuda.set_rng_state_all(stored["cuda_rng"])
        self.rng.bit_generator.state = json.loads(stored["numpy_rng"])
        for hook, state in zip(self.hooks, stored["hooks"], strict=True):
            hook.restore(state)
        if self.memory:
            self.memory.restore(stored["memory"], next(self.model.parameters()).device)
        logs = [EpochLog(*values) for values in stored["logs"]]
        best = (stored["best_epoch"], stored["best_value"], stored["best_weights"])
        self.state = LoopState(stored["epoch"], logs, *best)

    def _check_same_epoch(self, stored: dict[str, Any] | None) -> None:
        epoch = 0 if stored is None else stored["epoch"]
        first = self.processes.agreed(epoch)
        if epoch != first:
            raise ProcessLost(
                f"process {self.processes.rank} finds a checkpoint of epoch {epoch}, the first process one of epoch "
                f"{first}; all of them need the same workspace"
            )


def _encode(config: TrainerConfig) -> CachedEncode | DirectEncode:
    if config.chunk_size is None:
        return DirectEncode(config.precision)
    return CachedEncode(config.chunk_size, config.precision)
