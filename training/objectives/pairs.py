"""Sums of softplus over all pairs of a target and a negative, in memory that does not grow with the pairs.

Axes: V targets, N negatives or points that stand for them, C cells of the score axis, K points of a cell, T targets at
a time.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

_PAIRS_AT_ONCE = 1 << 20
_CELL = 0.5
_POINTS = 5


def softplus_of_pairs(target_V: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
    """Sum over the negatives of weight softplus(negative - target), [V]; `negative` and `weight` have any one shape.

    Where negatives lie dense, a few points on the score axis stand for them and the time does not grow with V N; the
    sum and its gradients are within 1e-6 of those over pairs, for each unit of weight. Elsewhere every pair is
    computed, some targets at a time. Gradients reach targets and negatives.
    """
    counted = weight > 0
    if not counted.any():
        return target_V * 0.0
    # Whatever has no weight must not stretch the range: it takes the score of some negative.
    filler = negative.detach().flatten()[counted.flatten().to(torch.uint8).argmax()]
    negative_N, weight_N = negative.masked_fill(~counted, filler).flatten(), weight.flatten()
    low, high = (float(end) for end in negative_N.detach().aminmax())
    if (high - low) / _CELL * _POINTS < len(negative_N) / 8:  # False for NaN
        return DensePairs.apply(target_V, negative_N, weight_N, low, high)  # type: ignore[no-untyped-call,no-any-return]
    return AllPairs.apply(target_V, negative_N, weight_N)  # type: ignore[no-untyped-call,no-any-return]


class AllPairs(torch.autograd.Function):
    """sum_n weight softplus(negative - target): [V], [N], [N] -> [V]; backward computes the pairs again."""

    @staticmethod
    def forward(ctx: Any, target_V: Tensor, negative_N: Tensor, weight_N: Tensor) -> Tensor:
        """Keep the scores only."""
        ctx.save_for_backward(target_V, negative_N, weight_N)
        return _sums(target_V, negative_N, weight_N)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        """A target falls by what its negatives rise."""
        target_V, negative_N, weight_N = ctx.saved_tensors
        to_target_V, rise_N = _slopes(target_V, negative_N, weight_N, gradients[0])
        return to_target_V, rise_N * weight_N, None


class DensePairs(torch.autograd.Function):
    """AllPairs for scores from `low` to `high`, where points with weights stand for the negatives.

    The points of a cell are Chebyshev's, the weights those that integrate polynomials over its negatives. The nearest
    poles of softplus are pi away, so with cells of half width 1/4 the error falls 25 fold a point. The gradient of a
    negative is the polynomial through the gradients at the points of its cell.
    """

    @staticmethod
    def forward(ctx: Any, target_V: Tensor, negative_N: Tensor, weight_N: Tensor, low: float, high: float) -> Tensor:
        """Moments of the negatives in each cell, then weights of its points from the moments."""
        cells = int((high - low) / _CELL) + 1
        place_N = (negative_N - low) / _CELL
        cell_N = place_N.long().clamp_(0, cells - 1)
        place_N.sub_(cell_N).mul_(2.0).sub_(1.0)
        power_N, moments = weight_N.double(), []
        for _ in range(_POINTS):
            moments.append(power_N.new_zeros(cells).index_add_(0, cell_N, power_N))
            power_N = power_N * place_N
        point_K, from_powers_KK = _points(cell_N.device)
        weight_CK = torch.stack(moments, 1) @ from_powers_KK
        centre_C = low + (torch.arange(cells, dtype=torch.float64, device=cell_N.device) + 0.5) * _CELL
        point_CK = centre_C[:, None] + point_K * _CELL / 2
        points = point_CK.flatten().to(negative_N.dtype), weight_CK.flatten().to(negative_N.dtype)
        ctx.save_for_backward(target_V, *points, cell_N, place_N, weight_N)
        return _sums(target_V, *points)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """A polynomial for each cell, evaluated at its negatives."""
        target_V, point_N, point_weight_N, cell_N, place_N, weight_N = ctx.saved_tensors
        to_target_V, rise_N = _slopes(target_V, point_N, point_weight_N, gradients[0])
        _, from_powers_KK = _points(cell_N.device)
        power_KC = (from_powers_KK @ rise_N.view(-1, _POINTS).T.double()).to(place_N.dtype)
        to_negative_N = power_KC[-1].index_select(0, cell_N)
        for power_C in power_KC[:-1].flip(0):
            to_negative_N.mul_(place_N).add_(power_C.index_select(0, cell_N))
        return to_target_V, to_negative_N.mul_(weight_N), None, None, None


def _points(device: torch.device) -> tuple[Tensor, Tensor]:
    """Chebyshev points from -1 to 1, and the matrix whose row j has the weights of u^j: moments @ it are weights."""
    place_K = torch.cos(torch.pi * (torch.arange(_POINTS, dtype=torch.float64) + 0.5) / _POINTS)
    return place_K.to(device), torch.linalg.inv(torch.vander(place_K, increasing=True)).to(device)


def _sums(target_V: Tensor, point_N: Tensor, weight_N: Tensor) -> Tensor:
    return torch.cat([softplus(gap_TN) @ weight_N for gap_TN in _gaps(target_V, point_N)])


def _slopes(target_V: Tensor, point_N: Tensor, weight_N: Tensor, gradient_V: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of the targets, and of a point of weight one."""
    to_target, rise_N = [], torch.zeros_like(point_N)
    start = 0
    for gap_TN in _gaps(target_V, point_N):
        gradient_T = gradient_V[start : start + len(gap_TN)]
        start += len(gap_TN)
        slope_TN = gap_TN.sigmoid_()
        to_target.append(-gradient_T * (slope_TN @ weight_N))
        rise_N += gradient_T @ slope_TN
    return torch.cat(to_target), rise_N


def _gaps(target_V: Tensor, point_N: Tensor) -> Iterator[Tensor]:
    """point - target for some targets at a time."""
    for some_T in torch.split(target_V, max(1, _PAIRS_AT_ONCE // len(point_N))):
        yield point_N - some_T[:, None]
