"""How a ranker learns: the positive against mined negatives, drawn at random.

Axes: B queries of a step, C candidates of each, column 0 the positive.
"""

import numpy as np
import torch
from pydantic import Field

from bundle.config import Config
from bundle.progress import Progress
from training.candidates import draw
from training.errors import BadData, Diverged
from training.mining.miner import Mined
from training.optimizer import rate_groups
from training.ragged import BoolArray, IntArray, Ragged
from training.rankers.contract import Ranker
from training.rankers.losses import listwise_loss


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

    def __init__(self, ranker: Ranker, config: RankerSteps, progress: Progress) -> None:
        self._ranker = ranker
        self._config = config
        self._progress = progress
        groups = rate_groups([ranker], config.learning_rate, config.pretrained_learning_rate)
        self.optimizer = torch.optim.AdamW(groups)

    def learn(self, mined: Mined, steps: int, rng: np.random.Generator) -> dict[str, float]:
        """Cross-entropy of the positive against mined negatives drawn at random; returns mean loss and accuracy.

        Leaves the ranker in evaluation mode. Raises BadData when no query has both a positive and a mined negative,
        Diverged when a loss is not finite.
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
        for _ in range(steps):
            totals += self._step(mined, rng.choice(rows, min(self._config.batch_size, len(rows)), replace=False), rng)
            self._progress.advance()
        self._progress.finish()
        self._ranker.train(False)
        return {"ranker_loss": float(totals[0] / steps), "ranker_accuracy": float(totals[1] / steps)}

    def _step(self, mined: Mined, rows_B: IntArray, rng: np.random.Generator) -> tuple[float, float]:
        item_BC, real_BC = candidate_lists(mined, rows_B, self._config.negatives, rng)
        score_BC = self._ranker.score(mined.queries.query_rows_Q[rows_B], item_BC)
        real = torch.from_numpy(real_BC).to(score_BC.device)
        first = torch.zeros_like(real)
        first[:, 0] = True
        loss = listwise_loss(score_BC, first, real)
        best_B = score_BC.detach()[:, 1:].masked_fill(~real[:, 1:], -torch.inf).max(1).values
        accuracy = float((score_BC.detach()[:, 0] > best_B).float().mean())
        if not torch.isfinite(loss):
            raise Diverged("the ranker's loss is not finite; lower its learning_rate and pretrained_learning_rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
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
