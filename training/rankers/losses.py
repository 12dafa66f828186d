"""What a ranker may be trained by: single pairs, whole candidate lists, or what a teacher says of them.

`real_BC` is False where a column only pads. All sums are in float32 at least. Axes: B queries, C candidates of each.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax


def pointwise_loss(score_BC: Tensor, label_BC: Tensor, real_BC: Tensor) -> Tensor:
    """Binary cross-entropy of every real pair against its label in 0..1, averaged over the pairs."""
    score_BC = at_least_float32(score_BC)
    each_BC = binary_cross_entropy_with_logits(score_BC, label_BC.to(score_BC.dtype), reduction="none")
    return each_BC.masked_fill(~real_BC, 0.0).sum() / real_BC.sum().clamp_min(1)


def listwise_loss(score_BC: Tensor, positive_BC: Tensor, real_BC: Tensor) -> Tensor:
    """Softmax cross-entropy over the real candidates, averaged over the positives of a query, then over the queries.

    A query without a positive or without a negative counts for nothing.
    """
    score_BC = at_least_float32(score_BC)
    positive_BC = positive_BC & real_BC
    counts_B = positive_BC.any(1) & (real_BC & ~positive_BC).any(1)
    # Rows of padding alone keep their scores, so that no softmax runs over nothing.
    log_BC = log_softmax(score_BC.masked_fill(~real_BC & real_BC.any(1, keepdim=True), -torch.inf), dim=1)
    share_BC = positive_BC / positive_BC.sum(1, keepdim=True).clamp_min(1)
    loss_B = -(log_BC.masked_fill(~positive_BC, 0.0) * share_BC).sum(1)
    return loss_B.masked_fill(~counts_B, 0.0).sum() / counts_B.sum().clamp_min(1)


def margin_mse_loss(score_BC: Tensor, teacher_BC: Tensor, real_BC: Tensor) -> Tensor:
    """Mean squared difference of margins to column 0, the positive (Hofstaetter et al., 2020, section 4.1)."""
    score_BC = at_least_float32(score_BC)
    wanted_BC = teacher_BC.to(score_BC.dtype)
    gap_BC = (score_BC[:, :1] - score_BC[:, 1:]) - (wanted_BC[:, :1] - wanted_BC[:, 1:])
    counted_BC = real_BC[:, 1:] & real_BC[:, :1]
    return gap_BC.square().masked_fill(~counted_BC, 0.0).sum() / counted_BC.sum().clamp_min(1)


def distribution_loss(score_BC: Tensor, teacher_BC: Tensor, real_BC: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(score / T)) over the real candidates (Hinton et al., 2015, section 2).

    Averaged over the queries that have two candidates.
    """
    score_BC = at_least_float32(score_BC)
    counts_B = real_BC.sum(1) >= 2
    # As above: a row of padding alone keeps its scores.
    out_BC = ~real_BC & real_BC.any(1, keepdim=True)
    log_model_BC, log_teacher_BC = (
        log_softmax(scores.masked_fill(out_BC, -torch.inf) / temperature, dim=1)
        for scores in (score_BC, teacher_BC.to(score_BC.dtype))
    )
    each_BC = log_teacher_BC.exp() * (log_teacher_BC - log_model_BC).masked_fill(out_BC, 0.0)
    loss_B = temperature**2 * each_BC.sum(1)
    return loss_B.masked_fill(~counts_B, 0.0).sum() / counts_B.sum().clamp_min(1)


def at_least_float32(score_BC: Tensor) -> Tensor:
    """The scores in float32, or in float64 as they are."""
    return score_BC if score_BC.dtype == torch.float64 else score_BC.float()
