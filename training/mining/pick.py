"""Which of a query's ranked items are kept.

Letters: V pairs.
"""

from typing import Literal

import numpy as np

from training.ragged import BoolArray, Ragged

Sampling = Literal["top", "random", "stride"]


def pick(ranked: Ragged, most: int, sampling: Sampling, stride: int, rng: np.random.Generator) -> BoolArray:
    """True at up to `most` values of each row, whose values stand best first.

    'top': the first. 'random': any, all alike. 'stride': places 0, stride, 2 stride ... of the row, then 1, 1 + stride
    and so on, which spreads few items over the whole list (UniME-V2, section 3).
    """
    row_V = ranked.row_index_V
    place_V = np.arange(len(row_V)) - np.repeat(ranked.offsets[:-1], ranked.lengths)
    if sampling == "top":
        return place_V < most
    key_V = rng.random(len(row_V)) if sampling == "random" else place_V // stride + (place_V % stride) * len(row_V)
    order_V = np.lexsort((key_V, row_V))
    turn_V = np.empty_like(place_V)
    turn_V[order_V] = place_V
    chosen_V: BoolArray = turn_V < most
    return chosen_V
