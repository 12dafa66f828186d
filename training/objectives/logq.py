"""Correction of sampled softmax for popularity: a popular item is drawn more often, so its score is pushed down.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from training.errors import TrainingError
from training.objectives.contract import LossInput

LogQ = Literal["none", "classic", "corrected"]


def require_logq(batch: LossInput, mode: LogQ) -> Tensor | None:
    """The draw probabilities that `mode` needs; raises TrainingError when the negatives carry none."""
    if mode == "none":
        return None
    if batch.logq_M is None:
        raise TrainingError(
            f"logq = '{mode}' needs draw probabilities, but these negatives carry none; use logq = 'none'"
        )
    return batch.logq_M


def log_complement(logq: Tensor) -> Tensor:
    """log(1 - Q), finite even for the only item of a catalogue."""
    return torch.log1p(-logq.exp().clamp_max(1 - 1e-6))


def softmax_loss(score_BP: Tensor, rest_BP: Tensor) -> Tensor:
    """-log(e^score / (e^score + e^rest)), stable on both sides."""
    return softplus(rest_BP - score_BP)


def corrected_loss(score_BP: Tensor, rest_BP: Tensor, n_negatives_B1: Tensor) -> Tensor:
    """Loss of each target when only its negatives are corrected ("Correcting the LogQ Correction", RecSys 2025).

    `rest_BP` is logsumexp_j(Z_j - log Q_p(j)) over the negatives of target p, Q_p(j) = Q_j / (1 - Q_p). The loss is
    sg[1 - p] (rest - Z_p) with p = e^Z_p / (e^Z_p + e^rest / n): the target was not drawn, so it is not corrected,
    and the factor gives the gradient of a softmax whose denominator is estimated from n draws.
    """
    margin_BP = rest_BP - score_BP
    miss_BP = torch.sigmoid(margin_BP - n_negatives_B1.log()).detach()
    return miss_BP * margin_BP
