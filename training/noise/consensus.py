"""From two opinions about every example to one weight.

Letters: N examples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.errors import BadData
from training.noise.mixture import DoubleArray
from training.ragged import FloatArray

ConsensusMode = Literal["hard", "soft"]


@dataclass(frozen=True)
class Consensus:
    """`weight_N` has mean 1. `clean`, `noisy` and `unsure` are shares: both heads say so, or they disagree."""

    weight_N: FloatArray
    clean: float
    noisy: float
    unsure: float


def consensus(first_N: DoubleArray, second_N: DoubleArray, mode: ConsensusMode, rng: np.random.Generator) -> Consensus:
    """Weights from two probabilities of being clean (RDE, section 3.2).

    1 where both are above one half, 0 where neither is. Where they disagree: 0 or 1 by chance ('hard'), or the mean of
    both ('soft'). Then scaled to mean 1, since the size of a step should not hang on how many examples are kept. Raises
    BadData when nothing is kept.
    """
    votes_N: NDArray[np.int64] = (first_N > 0.5).astype(np.int64) + (second_N > 0.5)
    chance_N = rng.integers(0, 2, len(votes_N))
    unsure_N = chance_N.astype(np.float64) if mode == "hard" else (first_N + second_N) / 2
    weight_N = np.where(votes_N == 1, unsure_N, votes_N / 2)
    if weight_N.sum() == 0:
        raise BadData("no example is clean for both heads; raise noise.start_epoch, so that they know more by then")
    shares = np.bincount(votes_N, minlength=3) / len(votes_N)
    return Consensus(
        (weight_N / weight_N.mean()).astype(np.float32), float(shares[2]), float(shares[0]), float(shares[1])
    )
