"""The steps of a scorer's training, whatever its loss reads.

Letters: B lists of a step.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from bundle.config import Config
from bundle.progress import Progress
from training.errors import Diverged
from training.ragged import IntArray

_MAX_NORM = 5.0


class DescentConfig(Config):
    """The steps, and their sizes, which fall to 0 over them."""

    steps: int = Field(default=4000, ge=1, description="Steps of training.")
    batch_size: int = Field(default=256, ge=1, description="Lists a step.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Step size of the scorer's AdamW.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decay of the scorer's weights.")
    propensity_learning_rate: float = Field(default=0.03, gt=0, description="Step size of learned propensities.")


def descend(
    scorer: nn.Module,
    own: Sequence[nn.Parameter],
    loss: Callable[[IntArray], Tensor],
    rows: IntArray,
    config: DescentConfig,
    progress: Progress,
    rng: np.random.Generator,
) -> float:
    """Train `scorer`, and the loss's `own` weights, on batches of `rows`; returns the mean loss of the last tenth.

    Leaves the scorer in evaluation mode. Raises Diverged when a loss is not finite.
    """
    models = [list(scorer.parameters()), *([list(own)] if own else [])]
    rates = [(config.learning_rate, config.weight_decay), (config.propensity_learning_rate, 0.0)]
    optimizer = torch.optim.AdamW(
        {"params": weights, "lr": rate, "weight_decay": decay}
        for weights, (rate, decay) in zip(models, rates, strict=False)
    )
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, config.steps)
    scorer.train(True)
    progress.start("clicks", config.steps)
    values = []
    for rows_B in _batches(rows, config.batch_size, config.steps, rng):
        value = loss(rows_B)
        if not torch.isfinite(value):
            raise Diverged("the loss of the scorer is not finite; lower its learning_rate, or check the features")
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        for weights in models:  # apart: a large gradient of one must not shorten the other's step
            clip_grad_norm_(weights, _MAX_NORM)
        optimizer.step()
        schedule.step()
        values.append(float(value.detach()))
        progress.advance()
    progress.finish()
    scorer.train(False)
    return float(np.mean(values[-max(1, config.steps // 10) :]))


def _batches(rows: IntArray, size: int, steps: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """`steps` batches, every list once before any comes again."""
    size = min(size, len(rows))
    order, start = rng.permutation(rows), 0
    for _ in range(steps):
        if start + size > len(order):
            order, start = rng.permutation(rows), 0
        yield order[start : start + size]
        start += size
