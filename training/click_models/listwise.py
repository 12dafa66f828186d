"""The listwise softmax loss, with a weight a click or with grades.

Letters: Q shown lists, K places of the longest.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import log_softmax


def list_log_softmax(score_QK: Tensor, mask_QK: Tensor) -> Tensor:
    """Log probabilities over the items of each list, in float32 at least; -inf in padding.

    A list of padding alone keeps its scores, so that no softmax runs over nothing.
    """
    score_QK = score_QK if score_QK.dtype == torch.float64 else score_QK.float()
    return log_softmax(score_QK.masked_fill(~mask_QK & mask_QK.any(1, keepdim=True), -torch.inf), dim=1)


def weighted_listwise_loss(
    score_QK: Tensor, weight_QK: Tensor, mask_QK: Tensor, *, self_normalised: bool = True
) -> Tensor:
    """Minus the weighted log probabilities, over the sum of the weights, or else over the lists that have one.

    Joachims, Swaminathan and Schnabel, "Unbiased Learning-to-Rank with Biased Feedback" (WSDM 2017), with the softmax
    in the place of the rank. Divided by lists the mean is unbiased where the weights are; divided by the sum of the
    weights it varies less.
    """
    weight_QK = weight_QK.masked_fill(~mask_QK, 0.0)
    log_QK = list_log_softmax(score_QK, mask_QK).masked_fill(~mask_QK, 0.0)
    divisor = weight_QK.sum() if self_normalised else (weight_QK > 0).any(1).sum()
    return -(weight_QK * log_QK).sum() / divisor.clamp_min(torch.finfo(log_QK.dtype).tiny)


def graded_listwise_loss(score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor) -> Tensor:
    """Cross-entropy of the softmax against each list's gains as shares, averaged over the lists that have a gain.

    Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (ICML 2007), top-one probabilities.
    """
    gain_QK = gain_QK.masked_fill(~mask_QK, 0.0)
    total_Q1 = gain_QK.sum(1, keepdim=True)
    share_QK = gain_QK / torch.where(total_Q1 > 0, total_Q1, 1.0)
    return weighted_listwise_loss(score_QK, share_QK, mask_QK, self_normalised=False)


def inverse_weights(log_probability_QK: Tensor, log_first_Q1: Tensor, max_weight: float) -> Tensor:
    """exp(first - each), at most `max_weight`, without a gradient; the exponent is cut, so nothing overflows."""
    exponent_QK = (log_first_Q1 - log_probability_QK).detach()
    return exponent_QK.clamp(max=math.log(max_weight)).exp()
