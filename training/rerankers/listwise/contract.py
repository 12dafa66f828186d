"""What a loss over lists is.

Axes: Q queries, K items of each.
"""

from typing import Protocol

from torch import Tensor


class ListwiseLoss(Protocol):
    """Every function with these arguments is one."""

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """A scalar, the mean over the queries with something to order; 0 where no query has.

        `gain_QK`: what an item is worth, 0 or more. `mask_QK`: False at padding, which neither value nor gradient
        depends on.
        """
