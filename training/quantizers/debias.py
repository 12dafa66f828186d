"""Interest and conformity of a user, property and popularity of an item, told apart (ICDM of DAS, arXiv 2508.10584).

Only interest and property are what semantic IDs are aligned with. The paper's formulas were not at hand; these follow
its description, and the draw correction is our own.

Axes: B pairs, R rows of one side, d width.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy

from training.quantizers.alignment import nce
from training.ragged import IntArray


class Factors(NamedTuple):
    """Of some rows of one side, [B, d] each: what they are, how they are biased, both joined, the bias's cause."""

    own_Bd: Tensor
    bias_Bd: Tensor
    all_Bd: Tensor
    cause_Bd: Tensor


class SideFactors(nn.Module):
    """ID embeddings of users or of items, and the factors made from them."""

    log_count_R1: Tensor

    def __init__(self, count_R: IntArray, width: int) -> None:
        """`count_R`: pairs of every row, which is its popularity or activity."""
        super().__init__()
        log_count_R = torch.from_numpy(count_R).float().log1p()
        spread = log_count_R.std(correction=0).clamp_min(1e-6)
        self.register_buffer("log_count_R1", ((log_count_R - log_count_R.mean()) / spread)[:, None])
        self.table_Rd = nn.Embedding(len(count_R), width)
        self.own = _perceptron(width, width)
        self.bias = _perceptron(width, width)
        self.cause = _perceptron(1, width)
        self.joined = _perceptron(2 * width, width)

    def forward(self, row_B: Tensor) -> Factors:
        """int64 [B] -> factors."""
        identity_Bd = self.table_Rd(row_B)
        own_Bd, bias_Bd = self.own(identity_Bd), self.bias(identity_Bd)
        all_Bd = self.joined(torch.cat([own_Bd, bias_Bd], 1))
        return Factors(own_Bd, bias_Bd, all_Bd, self.cause(self.log_count_R1[row_B]))


def debias_loss(user: Factors, item: Factors, same_BB: Tensor, log_draw_B: Tensor, temperature: float) -> Tensor:
    """CE(all) + CE(own) + sim + orth over a batch of pairs.

    Other items of a batch are drawn as often as they are taken. Without correction that takes popularity out of
    what is learnt, which is what `own` wants; `all` is to predict what is really taken, so `log_draw_B` [B], the log of
    how often an item is drawn, is taken off its scores. `same_BB` marks pairs that are no negatives of each other.
    """
    width = user.all_Bd.shape[1]
    score_BB = user.all_Bd @ item.all_Bd.T / width**0.5 - log_draw_B
    everything = cross_entropy(score_BB.masked_fill(same_BB, -torch.inf), torch.arange(len(score_BB)))
    own = nce(user.own_Bd, item.own_Bd, temperature, same_BB)
    return everything + own + sum(similarity_loss(side) + orthogonality_loss(side) for side in (user, item))


def similarity_loss(side: Factors) -> Tensor:
    """1 - cosine of the bias and its observed cause."""
    return 1 - cosine_similarity(side.bias_Bd, side.cause_Bd, dim=1).mean()


def orthogonality_loss(side: Factors) -> Tensor:
    """Squared cosine of what a row is and its bias: 0 when they are orthogonal, 1 when parallel."""
    return cosine_similarity(side.own_Bd, side.bias_Bd, dim=1).square().mean()


def _perceptron(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Linear(outputs, outputs))
