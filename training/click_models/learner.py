"""Trains a scorer from a click log, or from true grades: any module that maps features [B, K, F] to scores [B, K].

A scorer may read further arrays of each pair, such as categories [B, K, C]; it never reads a position.

Letters: F features, Q lists, B lists of a step, K places, P places that lists have.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.columns import Array
from bundle.progress import Progress
from training.click_models import ClickModelConfig
from training.click_models.contract import ClickLoss
from training.click_models.descent import DescentConfig, descend
from training.click_models.dla import DlaConfig
from training.click_models.findings import ClickFinding, findings
from training.click_models.listwise import graded_listwise_loss
from training.click_models.log import ClickLog
from training.errors import BadData
from training.ragged import BoolArray, FloatArray, IntArray

logger = logging.getLogger(__name__)


class ClickTrainingConfig(DescentConfig):
    """How a scorer learns from a click log; lists without a click are passed over."""

    model: ClickModelConfig = Field(default_factory=DlaConfig, description="What a click is worth.")


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
    pairs: Sequence[Array],
    config: ClickTrainingConfig,
    progress: Progress,
    rng: np.random.Generator,
) -> ClickTraining:
    """Train `scorer` in place, on its device, and leave it in evaluation mode; every finding is logged as a warning.

    `pairs`: what the scorer takes, each array with a row for every pair of the log, in the order of their numbers.
    Raises BadData when an array has fewer, or the log lacks what the click model reads or any list to learn from;
    Diverged when a loss is not finite.
    """
    if (described := min(map(len, pairs))) < log.n_pairs:
        raise BadData(f"the click log has {log.n_pairs:,} pairs, but {described:,} have features")
    device = _device(scorer)
    loss = config.model.build(log).to(device)

    def loss_of(rows_B: IntArray) -> Tensor:
        pair_BK = log.pair_QK[rows_B]
        score_BK: Tensor = scorer(*(torch.from_numpy(array[pair_BK]).to(device) for array in pairs))
        seen = (log.click_QK, log.mask_QK, log.position_QK)
        value: Tensor = loss(score_BK, *(torch.from_numpy(array[rows_B]).to(device) for array in seen))
        return value

    last = descend(scorer, list(loss.parameters()), loss_of, log.teaching_rows(), config, progress, rng)
    found = tuple(findings(log, loss))
    for finding in found:
        logger.warning("click log finding", extra={"code": finding.code, "detail": finding.detail})
    weight_V = _click_weights(loss, log)
    effective = float(weight_V.sum() ** 2 / np.square(weight_V).sum())
    return ClickTraining(loss.propensities(), len(weight_V), effective, last, found)


def learn_from_grades(
    scorer: nn.Module,
    feature_QKF: FloatArray,
    gain_QK: FloatArray,
    mask_QK: BoolArray,
    config: DescentConfig,
    progress: Progress,
    rng: np.random.Generator,
) -> float:
    """Train `scorer` in place on the true gains, the most that clicks could teach; returns its last loss.

    Raises BadData when no list has a gain, Diverged as `learn_from_clicks`.
    """
    rows = np.flatnonzero((gain_QK * mask_QK).any(1)).astype(np.int64)
    if not len(rows):
        raise BadData("no list has an item with a gain above 0, so there is nothing to learn")
    device = _device(scorer)

    def loss_of(rows_B: IntArray) -> Tensor:
        feature_BKF, gain_BK, mask_BK = (
            torch.from_numpy(array[rows_B]).to(device) for array in (feature_QKF, gain_QK, mask_QK)
        )
        return graded_listwise_loss(scorer(feature_BKF), gain_BK, mask_BK)

    return descend(scorer, [], loss_of, rows, config, progress, rng)


def _click_weights(loss: ClickLoss, log: ClickLog) -> FloatArray:
    """The weight of every click, by the propensity of its place."""
    weight_P = 1 / np.maximum(loss.propensities(), 1 / loss.max_weight)
    weight_V: FloatArray = weight_P[log.position_QK[log.click_QK] - 1].astype(np.float32)
    return weight_V


def _device(scorer: nn.Module) -> torch.device:
    return next(scorer.parameters()).device
