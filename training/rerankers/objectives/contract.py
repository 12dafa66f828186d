"""What a reranker's objective is: a loss over the scores of each query's candidates.

Q queries, K candidates of each.
"""

from typing import Protocol

from torch import Tensor


class RerankerObjective(Protocol):
    """A loss that reads nothing but scores, gains and the mask; the order of a query's candidates does not matter."""

    def __call__(self, score_QK: Tensor, gain_QK: Tensor, mask_QK: Tensor, /) -> Tensor:
        """The mean over the queries that have something to learn from, 0 with gradient 0 where none has.

        `score_QK`: larger is better. `gain_QK`: what a candidate is worth, above 0 for a positive, else 0. `mask_QK`:
        False where a column only pads. Sums are in float32 at least, and a score that is NaN makes the loss NaN.
        """
