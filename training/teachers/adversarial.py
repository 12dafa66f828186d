"""A ranker as the teacher, trained in alternation with the towers (AR2, ICLR 2022), or once.

Axes: B queries of a step, C candidates of each, column 0 the positive, V mined pairs, P pairs to judge.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from bundle.progress import Progress
from training.candidates import draw
from training.epoch_hook import HookContext
from training.errors import BadData, Diverged
from training.mining.miner import Mined
from training.optimizer import rate_groups
from training.ragged import BoolArray, FloatArray, IntArray, Ragged
from training.rankers import RankerConfig
from training.rankers.contract import Ranker, Reads
from training.rankers.losses import listwise_loss
from training.rankers.mlp import MlpRankerConfig
from training.teachers.contract import TeacherSettings

_PAIRS_A_CHUNK = 256


class RankerTeacherConfig(TeacherSettings):
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
    negatives: int = Field(default=15, ge=1, description="Mined items beside the positive in a step of the ranker.")
    batch_size: int = Field(default=32, ge=1, description="Queries a step of the ranker.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Step size of the ranker's AdamW.")
    pretrained_learning_rate: float = Field(
        default=5e-5, gt=0, description="Step size of its AdamW for the weights of a pretrained model."
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
        self._progress: Progress = context.progress
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(context.seed)
            self.ranker: Ranker = config.ranker.build(context)
        groups = rate_groups([self.ranker], config.learning_rate, config.pretrained_learning_rate)
        self._optimizer = torch.optim.AdamW(groups)

    def learn(self, mined: Mined, first: bool, rng: np.random.Generator) -> dict[str, float]:
        """Cross-entropy of the positive against mined negatives drawn at random; logs mean loss and accuracy.

        Raises BadData when no query has both a positive and a mined negative, Diverged when a loss is not finite.
        """
        steps = self._config.steps(first)
        if steps == 0:
            return {}
        has_Q = (mined.found.items.lengths > 0) & (mined.queries.asked.lengths > 0)
        if not has_Q.any():
            raise BadData(
                "no query kept a mined negative to train the ranker on; raise hard_negatives.start_epoch or depth, or "
                "lower its margins"
            )
        rows = np.flatnonzero(has_Q).astype(np.int64)
        self.ranker.train(True)
        self._progress.start("ranker", steps)
        totals = np.zeros(2)
        for _ in range(steps):
            totals += self._step(mined, rng.choice(rows, min(self._config.batch_size, len(rows)), replace=False), rng)
            self._progress.advance()
        self._progress.finish()
        self.ranker.train(False)
        return {"ranker_loss": float(totals[0] / steps), "ranker_accuracy": float(totals[1] / steps)}

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
        return {"ranker": self.ranker.state_dict(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up weights and optimizer."""
        self.ranker.load_state_dict(state["ranker"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _step(self, mined: Mined, rows_B: IntArray, rng: np.random.Generator) -> tuple[float, float]:
        item_BC, real_BC = candidate_lists(mined, rows_B, self._config.negatives, rng)
        score_BC = self.ranker.score(mined.queries.query_rows_Q[rows_B], item_BC)
        real = torch.from_numpy(real_BC).to(score_BC.device)
        first = torch.zeros_like(real)
        first[:, 0] = True
        loss = listwise_loss(score_BC, first, real)
        best_B = score_BC.detach()[:, 1:].masked_fill(~real[:, 1:], -torch.inf).max(1).values
        accuracy = float((score_BC.detach()[:, 0] > best_B).float().mean())
        if not torch.isfinite(loss):
            raise Diverged(
                "the ranker's loss is not finite; lower teacher.learning_rate and its pretrained_learning_rate"
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(loss.detach()), accuracy


def candidate_lists(
    mined: Mined, rows_B: IntArray, negatives: int, rng: np.random.Generator
) -> tuple[IntArray, BoolArray]:
    """Items [B, 1 + negatives] of these queries: a positive, then mined negatives; False marks padding."""
    asked, found = mined.queries.asked.take(rows_B), mined.found.items.take(rows_B)
    positive_B = asked.values_V[draw(asked, 1, rng)]
    keep_V = np.zeros(len(found.values_V), dtype=np.bool_)
    keep_V[draw(found, negatives, rng)] = True
    drawn: Ragged = found.select(keep_V)
    item_BC = np.repeat(positive_B[:, None], 1 + negatives, axis=1)
    real_BC = np.arange(1 + negatives) <= drawn.lengths[:, None]
    item_BC[:, 1:][real_BC[:, 1:]] = drawn.values_V
    return item_BC, real_BC
