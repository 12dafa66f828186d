"""How a ranker learns: the positive against mined negatives, drawn at random.

Axes: B queries of a step, C candidates of each, column 0 the positive.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bundle.config import Config
from bundle.progress import Progress
from training.candidates import draw
from training.errors import BadData, Diverged
from training.mining.miner import Mined
from training.optimizer import rate_groups, set_rates
from training.ragged import BoolArray, IntArray, Ragged
from training.rankers.contract import Ranker
from training.rankers.losses import listwise_loss

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Scores [B, C], what they should learn from [B, C], and which columns are real -> a loss."""
Targets = Callable[[IntArray, IntArray], Tensor]
"""Dataset rows of queries [B] and of items [B, C] -> what a loss learns from [B, C]."""
More = Callable[[Ranker, np.random.Generator], Tensor]
"""A loss of a ranker over other data than the mined, which a step adds to its own."""


class RankerSteps(Config):
    """The steps of a ranker."""

    negatives: int = Field(default=15, ge=1, description="Mined items beside the positive in a step of the ranker.")
    batch_size: int = Field(default=32, ge=1, description="Queries a step of the ranker.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Step size of the ranker's AdamW.")
    pretrained_learning_rate: float = Field(
        default=5e-5, gt=0, description="Step size of its AdamW for the weights of a pretrained model."
    )


class RankerLearner:
    """A ranker and its optimizer."""

    def __init__(
        self,
        ranker: Ranker,
        config: RankerSteps,
        progress: Progress,
        *,
        loss: Loss | None = None,
        targets: Targets | None = None,
        more: Sequence[More] = (),
    ) -> None:
        """`loss`: the list's cross-entropy if None. `targets`: 1 for the positive and 0 for all others if None."""
        self._ranker = ranker
        self._config = config
        self._progress = progress
        self._loss = loss or _cross_entropy
        self._targets = targets or _first
        self._more = more
        groups = rate_groups([ranker], config.learning_rate, config.pretrained_learning_rate)
        self.optimizer = torch.optim.AdamW(groups)

    def learn(
        self, mined: Mined, steps: int, rng: np.random.Generator, factor: Callable[[int], float] | None = None
    ) -> dict[str, float]:
        """Train on positives and mined negatives drawn at random; returns mean loss and accuracy.

        `factor`: what the learning rates are multiplied with at each step, counted from 0; 1 if None. Leaves the
        ranker in evaluation mode. Raises BadData when no query has both a positive and a mined negative, Diverged when
        a loss is not finite.
        """
        has_Q = (mined.found.items.lengths > 0) & (mined.queries.asked.lengths > 0)
        if not has_Q.any():
            raise BadData(
                "no query kept a mined negative to train the ranker on; raise the start_epoch or the depth of its "
                "hard negatives, or lower their margins"
            )
        rows = np.flatnonzero(has_Q).astype(np.int64)
        self._ranker.train(True)
        self._progress.start("ranker", steps)
        totals = np.zeros(2)
        for step in range(steps):
            if factor is not None:
                set_rates(self.optimizer, factor(step))
            totals += self._step(mined, rng.choice(rows, min(self._config.batch_size, len(rows)), replace=False), rng)
            self._progress.advance()
        self._progress.finish()
        self._ranker.train(False)
        return {"ranker_loss": float(totals[0] / steps), "ranker_accuracy": float(totals[1] / steps)}

    def _step(self, mined: Mined, rows_B: IntArray, rng: np.random.Generator) -> tuple[float, float]:
        item_BC, real_BC = candidate_lists(mined, rows_B, self._config.negatives, rng)
        query_B = mined.queries.query_rows_Q[rows_B]
        score_BC = self._ranker.score(query_B, item_BC)
        real = torch.from_numpy(real_BC).to(score_BC.device)
        loss = self._loss(score_BC, self._targets(query_B, item_BC).to(score_BC.device), real)
        for more in self._more:
            loss = loss + more(self._ranker, rng)
        best_B = score_BC.detach()[:, 1:].masked_fill(~real[:, 1:], -torch.inf).max(1).values
        accuracy = float((score_BC.detach()[:, 0] > best_B).float().mean())
        if not torch.isfinite(loss):
            raise Diverged("the ranker's loss is not finite; lower its learning_rate and pretrained_learning_rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return float(loss.detach()), accuracy


def _cross_entropy(score_BC: Tensor, gain_BC: Tensor, real_BC: Tensor) -> Tensor:
    return listwise_loss(score_BC, gain_BC > 0, real_BC)


def _first(query_B: IntArray, item_BC: IntArray) -> Tensor:
    gain_BC = torch.zeros(item_BC.shape)
    gain_BC[:, 0] = 1
    return gain_BC


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
