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
from training.batches import Batch, Batches
from training.checkpoint import CheckpointFile
from training.epoch_hook import EpochHook
from training.errors import Diverged
from training.model import DualEncoder
from training.objectives import LossInput, LossOutput, Objective
from training.trainer import TrainerConfig

Validate = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class EpochLog:
    """What one epoch gave: its mean loss, the validation metrics after it, and means of whatever the objective logs."""

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
        checkpoint: CheckpointFile | None = None,
        hooks: Sequence[EpochHook] = (),
    ) -> None:
        self.model = model
        self.objective = objective
        self.batches = batches
        self.config = config
        self.validate = validate
        self.checkpoint = checkpoint
        self.hooks = hooks
        self.rng = np.random.default_rng(config.seed)
        own = list(objective.parameters()) if isinstance(objective, nn.Module) else []
        self.optimizer = torch.optim.AdamW(
            [*model.parameters(), *own], lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.state = LoopState()

    def run(self, epochs: int, progress: Progress, *, resume: bool = False, task: str = "epoch") -> LoopState:
        """Train up to `epochs` epochs in all and leave the best weights (the last without validation) in the model.

        `task` names an epoch for whoever watches. Raises Diverged, naming the step, when a loss is not finite.
        """
        if resume:
            self._restore()
        while self.state.epoch < epochs and not self._out_of_patience():
            logs = {k: v for hook in self.hooks for k, v in hook.before_epoch(self.state.epoch).items()}
            loss, means = self._epoch(progress, f"{task} {self.state.epoch + 1} of {epochs}")
            metrics = self.validate() if self.validate else {}
            self.state.epoch += 1
            self.state.logs.append(EpochLog(self.state.epoch, loss, metrics, logs | means))
            self._keep_best(metrics)
            if self.checkpoint:
                self.checkpoint.save(self._snapshot())
        if self.state.best_weights is not None:
            self.model.load_state_dict(self.state.best_weights)
        return self.state

    def _epoch(self, progress: Progress, task: str) -> tuple[float, dict[str, float]]:
        self.model.train()
        losses = []
        logs: dict[str, list[Tensor]] = {}
        number = self.state.epoch + 1
        progress.start(task, len(self.batches))
        for index, batch in enumerate(self.batches.epoch(self.rng)):
            self._set_learning_rate(self.state.epoch + index / len(self.batches))
            output = self._step(batch)
            loss = float(output.loss.detach())
            if not math.isfinite(loss):
                raise Diverged(
                    f"the loss is {loss} at step {index + 1} of epoch {number}; lower trainer.learning_rate, raise "
                    "objective.temperature, or check the features for extreme numbers",
                    epoch=number,
                    step=index + 1,
                )
            losses.append(loss)
            for name, value in output.logs.items():
                logs.setdefault(name, []).append(value.detach().float())
            progress.advance()
        progress.note(f"loss {np.mean(losses):.4f}")
        progress.finish()
        return float(np.mean(losses)), {name: float(torch.stack(values).mean()) for name, values in logs.items()}

    def _step(self, batch: Batch) -> LossOutput:
        output = self.objective(
            LossInput(
                query_BD=self.model.query(*batch.query_arrays),
                item_MD=self.model.item(*batch.item_arrays),
                positive_BM=batch.positive_BM,
                valid_BM=batch.valid_BM,
                draws_M=batch.draws_M,
                logq_M=batch.logq_M,
                weight_B=batch.weight_B,
                grade_BM=batch.grade_BM,
                teacher_BM=batch.teacher_BM,
                count_M=batch.count_M,
            )
        )
        self.optimizer.zero_grad(set_to_none=True)
        output.loss.backward()  # type: ignore[no-untyped-call]
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        return output

    def _set_learning_rate(self, epochs_done: float) -> None:
        left = 1 - epochs_done / self.config.epochs if self.config.schedule == "linear" else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * left

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
            "best_epoch": self.state.best_epoch,
            "best_value": self.state.best_value,
            "best_weights": self.state.best_weights,
        }

    def _restore(self) -> None:
        stored = self.checkpoint.load() if self.checkpoint else None
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
        logs = [EpochLog(*values) for values in stored["logs"]]
        best = (stored["best_epoch"], stored["best_value"], stored["best_weights"])
        self.state = LoopState(stored["epoch"], logs, *best)
