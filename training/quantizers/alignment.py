"""The six contrastive terms that draw semantic and behavioural views together (MDAM of DAS, arXiv 2508.10584).

Axes: B pairs of a batch, d latent.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from training.quantizers.pair_batches import PairBatch


class Views(NamedTuple):
    """[B, d] each: quantized user and item of every pair and of their partners; debiased user and item."""

    user_Bd: Tensor
    item_Bd: Tensor
    other_user_Bd: Tensor
    other_item_Bd: Tensor
    interest_Bd: Tensor
    property_Bd: Tensor


def nce(
    left_Bd: Tensor, right_Bd: Tensor, temperature: float, same_BB: Tensor, counted_B: Tensor | None = None
) -> Tensor:
    """Mean over the counted rows of -log softmax of cosine / temperature at the own row.

    `same_BB` marks columns that are no negatives of a row (never its own); 0 when no row counts.
    """
    logit_BB = normalize(left_Bd, dim=1, eps=1e-8) @ normalize(right_Bd, dim=1, eps=1e-8).T / temperature
    target_B = torch.arange(len(logit_BB))
    loss_B = cross_entropy(logit_BB.masked_fill(same_BB, -torch.inf), target_B, reduction="none")
    if counted_B is None:
        return loss_B.mean()
    return (loss_B * counted_B).sum() / counted_B.sum().clamp_min(1)


def alignment_loss(views: Views, pairs: PairBatch, temperature: float) -> Tensor:
    """Sum of the six terms: dual u2i, dual u2u / i2i, and dual co-occurrence."""
    same_user_BB, same_item_BB = equal(pairs.user_B, pairs.user_B), equal(pairs.item_B, pairs.item_B)
    same_BB = same_user_BB | same_item_BB
    u2i = nce(views.user_Bd, views.property_Bd, temperature, same_BB)
    i2u = nce(views.interest_Bd, views.item_Bd, temperature, same_BB)
    u2u = nce(views.user_Bd, views.interest_Bd, temperature, same_user_BB)
    i2i = nce(views.item_Bd, views.property_Bd, temperature, same_item_BB)
    # A partner is a positive too where it is the partner of a pair with the same link, or is the row itself.
    not_user_BB = same_item_BB | equal(pairs.user_B, pairs.other_user_B) | equal(pairs.other_user_B, pairs.other_user_B)
    not_item_BB = same_user_BB | equal(pairs.item_B, pairs.other_item_B) | equal(pairs.other_item_B, pairs.other_item_B)
    users = nce(
        views.user_Bd,
        views.other_user_Bd,
        temperature,
        not_user_BB.fill_diagonal_(False),
        pairs.user_B != pairs.other_user_B,
    )
    items = nce(
        views.item_Bd,
        views.other_item_Bd,
        temperature,
        not_item_BB.fill_diagonal_(False),
        pairs.item_B != pairs.other_item_B,
    )
    return u2i + i2u + u2u + i2i + users + items


def equal(left_B: Tensor, right_B: Tensor) -> Tensor:
    """bool [B, B]: where two rows name the same, the diagonal left out."""
    return (left_B[:, None] == right_B).fill_diagonal_(False)
