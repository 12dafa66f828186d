"""Trains a scorer from a click log: any torch module that maps features [B, K, F] to scores [B, K].

Letters: N pairs of the log, F features, B lists of a step, K places, P places that lists have.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from bundle.config import Config
from bundle.progress import Progress
from training.click_models import ClickModelConfig
from training.click_models.contract import ClickLoss
from training.click_models.dla import DlaConfig
from training.click_models.findings import ClickFinding, findings
from training.click_models.log import ClickLog
from training.errors import BadData, Diverged
from training.ragged import FloatArray, IntArray

logger = logging.getLogger(__name__)
_MAX_NORM = 5.0


class ClickTrainingConfig(Config):
    """How a scorer learns from a click log."""

    model: ClickModelConfig = Field(default_factory=DlaConfig, description="What a click is worth.")
    steps: int = Field(default=2000, ge=1, description="Steps of training; both step sizes fall to 0 over them.")
    batch_size: int = Field(default=256, ge=1, description="Shown lists a step, of those that have a click.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Step size of the scorer's AdamW.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decay of the scorer's weights.")
    propensity_learning_rate: float = Field(default=0.03, gt=0, description="Step size of learned propensities.")


@dataclass(frozen=True)
class ClickTraining:
    """What training leaves beside the scorer, for the report.

    `propensity_P`: how likely each place is looked at, over the first. `effective_clicks`: (sum w)^2 / sum w^2 over the
    clicks, how many equal ones the weighted ones are worth (Kish, 1965).
    """

    propensity_P: FloatArray
    clicks: int
    effective_clicks: float
    loss: float
    findings: tuple[ClickFinding, ...]


def learn_from_clicks(
    scorer: nn.Module,
    log: ClickLog,
    feature_NF: FloatArray,
    config: ClickTrainingConfig,
    progress: Progress,
    rng: np.random.Generator,
) -> ClickTraining:
    """Train `scorer` in place, on its device, and leave it in evaluation mode; every finding is logged as a warning.

    `feature_NF` describes the pairs by their numbers in the log. Raises BadData when there are fewer pairs than the log
    has, or the log lacks what the click model reads or any list to learn from; Diverged when a loss is not finite.
    """
    if len(feature_NF) < log.n_pairs:
        raise BadData(f"the click log has {log.n_pairs:,} pairs, but {len(feature_NF):,} have features")
    device = next(scorer.parameters()).device
    loss = config.model.build(log)
    if isinstance(loss, nn.Module):
        loss.to(device)
    last = _descend(scorer, loss, _Lists(log, feature_NF, device), config, progress, rng)
    found = tuple(findings(log, loss if config.model.kind == "dla" else None))
    for finding in found:
        logger.warning("click log finding", extra={"code": finding.code, "detail": finding.detail})
    propensity_P = loss.propensities()
    weight_V = np.minimum(1 / propensity_P.astype(np.float64), loss.max_weight)[log.position_QK[log.click_QK] - 1]
    return ClickTraining(propensity_P, len(weight_V), weight_V.sum() ** 2 / (weight_V**2).sum(), last, found)


@dataclass(frozen=True)
class _Lists:
    log: ClickLog
    feature_NF: FloatArray
    device: torch.device

    def batch(self, rows_B: IntArray) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Features [B, K, F], and clicks, mask and positions [B, K]."""
        log = self.log
        feature_BKF = torch.from_numpy(self.feature_NF[log.pair_QK[rows_B]]).to(self.device)
        seen = (log.click_QK, log.mask_QK, log.position_QK)
        clicks, mask, position = (torch.from_numpy(array[rows_B]).to(self.device) for array in seen)
        return feature_BKF, (clicks, mask, position)


def _descend(
    scorer: nn.Module,
    loss: ClickLoss,
    lists: _Lists,
    config: ClickTrainingConfig,
    progress: Progress,
    rng: np.random.Generator,
) -> float:
    """All steps; returns the mean loss of the last tenth."""
    own = list(loss.parameters())
    groups = [
        {"params": list(scorer.parameters()), "lr": config.learning_rate, "weight_decay": config.weight_decay},
        {"params": own, "lr": config.propensity_learning_rate, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]])
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, config.steps)
    scorer.train(True)
    progress.start("clicks", config.steps)
    values = []
    for rows_B in _batches(lists.log.teaching_rows(), config.batch_size, config.steps, rng):
        feature_BKF, seen = lists.batch(rows_B)
        value = loss(scorer(feature_BKF), *seen)
        if not torch.isfinite(value):
            raise Diverged("the loss of the click model is not finite; lower its learning_rate or check the features")
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        # Apart: a large gradient of one model must not shorten the other's step.
        for group in optimizer.param_groups:
            clip_grad_norm_(group["params"], _MAX_NORM)
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
