"""A ranker as the teacher, trained in alternation with the towers (AR2, ICLR 2022), or once.

Axes: P pairs to judge.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from training.epoch_hook import HookContext
from training.mining.miner import Mined
from training.ragged import FloatArray, IntArray
from training.rankers import RankerConfig
from training.rankers.contract import Ranker, Reads
from training.rankers.learner import RankerLearner, RankerSteps
from training.rankers.mlp import MlpRankerConfig
from training.teachers.contract import TeacherSettings

_PAIRS_A_CHUNK = 256


class RankerTeacherConfig(TeacherSettings, RankerSteps):
    """A ranker that learns to tell positives from what the towers mined, and whose scores they learn from.

    hard_negatives says when a round begins (start_epoch: the warm-up of the towers, every: epochs a round).
    """

    kind: Literal["ranker"] = "ranker"
    ranker: RankerConfig = Field(default_factory=MlpRankerConfig, description="The ranker.")
    warmup_steps: int = Field(default=200, ge=0, description="Steps that the ranker trains in the first round.")
    ranker_steps: int = Field(default=50, ge=1, description="Steps that it trains in every later round.")
    alternate: bool = Field(
        default=True, description="False trains it in the first round only: plain distillation from a fixed teacher."
    )
    order: Literal["released", "paper"] = Field(
        default="released",
        description="'released': each round begins with the ranker, so the first adds ranker_steps to its warm-up; "
        "'paper': the towers go first, with the ranker as its warm-up left it.",
    )

    @property
    def reads(self) -> Reads:
        """What the ranker reads."""
        return self.ranker.reads

    def steps(self, first: bool) -> int:
        """Steps of the ranker in the first or a later round.

        A round is {ranker, towers, mining} in the released code and {towers, mining, ranker} in the paper: the same
        cycle, entered at another place.
        """
        if not self.alternate:
            return self.warmup_steps if first else 0
        if not first:
            return self.ranker_steps
        return self.warmup_steps + (self.ranker_steps if self.order == "released" else 0)


class RankerTeacher:
    """Implements Teacher. Its weights begin from a seed of their own, so that the towers begin as without it."""

    def __init__(self, config: RankerTeacherConfig, context: HookContext) -> None:
        self._config = config
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(context.seed)
            self.ranker: Ranker = config.ranker.build(context)
        self._learner = RankerLearner(self.ranker, config, context.progress)

    def learn(self, mined: Mined, first: bool, rng: np.random.Generator) -> dict[str, float]:
        """As `RankerLearner.learn`, for the steps of this round; nothing where it has none."""
        steps = self._config.steps(first)
        return self._learner.learn(mined, steps, rng) if steps else {}

    def scores(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """The ranker's scores, in evaluation mode."""
        self.ranker.train(False)
        parts = [np.empty(0, dtype=np.float32)]
        with torch.no_grad():
            for start in range(0, len(query_P), _PAIRS_A_CHUNK):
                rows = slice(start, start + _PAIRS_A_CHUNK)
                score_P1 = self.ranker.score(query_P[rows], item_P[rows, None])
                parts.append(score_P1[:, 0].float().cpu().numpy())
        return np.concatenate(parts)

    def state(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {"ranker": self.ranker.state_dict(), "optimizer": self._learner.optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up weights and optimizer."""
        self.ranker.load_state_dict(state["ranker"])
        self._learner.optimizer.load_state_dict(state["optimizer"])
