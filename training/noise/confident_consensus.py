"""Confident consensus division (RDE, CVPR 2024) as an epoch hook: examples that both heads find noisy lose weight.

Axes: N examples, B examples of a pool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from bundle.config import Config
from training.epoch_hook import HookContext
from training.noise.consensus import ConsensusMode, consensus
from training.noise.mixture import MixtureConfig, divide
from training.objectives.heads import Heads
from training.ragged import FloatArray


class ConfidentConsensusConfig(Config):
    """Divide the examples into clean and noisy by the losses of both heads, before every epoch."""

    kind: Literal["confident_consensus"] = "confident_consensus"
    start_epoch: int = Field(
        default=1, ge=0, description="Epochs before the first division; at first all losses look alike."
    )
    mode: ConsensusMode = Field(
        default="soft",
        description="Weight of an example on which the heads disagree: 0 or 1 by chance ('hard'), or its mean "
        "probability of being clean ('soft').",
    )
    pool: int = Field(
        default=1024, ge=2, description="Examples that are compared with each other; the same ones in every epoch."
    )
    mixture: MixtureConfig = Field(default_factory=MixtureConfig, description="The mixture over the losses.")

    def build(self, context: HookContext) -> "ConfidentConsensus":
        """The hook."""
        return ConfidentConsensus(self, context)


@dataclass(frozen=True)
class _Losses:
    first_N: FloatArray
    second_N: FloatArray


class ConfidentConsensus:
    """Weighs the examples anew before every epoch. Works on clicks that are wrong by chance, not on clicks that are
    drawn by a position: those are wrong in the same way for both heads.
    """

    def __init__(self, config: ConfidentConsensusConfig, context: HookContext) -> None:
        self._config = config
        self._context = context
        self._weight_N: FloatArray | None = None
        order_N = np.random.default_rng(context.seed).permutation(len(context.batches.examples))
        # Even parts: an example of a small last pool would have less to lose against.
        self._pools = np.array_split(order_N, -(-len(order_N) // config.pool))

    @property
    def weight_N(self) -> FloatArray | None:
        """The weights of the examples now, None before the first division."""
        return self._weight_N

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """Divide; logs the shares that both heads find clean, both find noisy, and that divide
        them, and how far the heaps of losses lie apart for the head that is less sure.
        """
        if epoch < self._config.start_epoch:
            return {}
        losses, seed = self._losses(), self._context.seed
        first = divide(losses.first_N, self._config.mixture, seed)
        second = divide(losses.second_N, self._config.mixture, seed)
        rng = np.random.default_rng([seed, epoch])
        agreed = consensus(first.clean_N, second.clean_N, self._config.mode, rng)
        self._set(agreed.weight_N)
        return {
            "clean": agreed.clean,
            "noisy": agreed.noisy,
            "unsure": agreed.unsure,
            "separation": min(first.separation, second.separation),
        }

    def state(self) -> dict[str, Any]:
        """The weights."""
        return {"weight": None if self._weight_N is None else torch.from_numpy(self._weight_N)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the weights again."""
        if state["weight"] is not None:
            self._set(state["weight"].numpy())

    def _set(self, weight_N: FloatArray) -> None:
        self._weight_N = weight_N
        self._context.batches.set_weights(weight_N)

    def _losses(self) -> _Losses:
        """The loss of every example under both heads, in evaluation mode and always among the same others."""
        context = self._context
        model, objective, batches = context.model, context.objective, context.batches
        if not isinstance(objective, Heads):
            raise TypeError("confident consensus needs the objective of two heads")
        loss_2N = np.zeros((2, len(batches.examples)), dtype=np.float32)
        rng = np.random.default_rng(context.seed)
        was_training = model.training
        model.eval()
        with torch.no_grad():
            for rows_B in self._pools:
                batch = batches.batch(rows_B, rng)
                given = batch.loss_input(model.query(*batch.query_arrays), model.item(*batch.item_arrays))
                for head, output in enumerate(objective.views(given)):
                    loss_2N[head, rows_B] = output.per_query_B.float().cpu().numpy()
        model.train(was_training)
        return _Losses(loss_2N[0], loss_2N[1])
