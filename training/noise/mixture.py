"""Which losses belong to clean examples: a mixture of two normal distributions over them.

Letters: N examples.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from bundle.config import Config
from training.errors import Diverged
from training.ragged import FloatArray

DoubleArray = NDArray[np.float64]


class MixtureConfig(Config):
    """How the mixture is fitted. For more than 40 % noise the authors use 100 iterations, 1e-4 and 1e-6."""

    iterations: int = Field(default=10, ge=1, description="Steps of expectation and maximization.")
    tolerance: float = Field(default=1e-2, gt=0, description="Gain of the log-likelihood below which they stop.")
    least_variance: float = Field(default=5e-4, gt=0, description="Added to the variances.")
    separation: float = Field(
        default=2.0,
        ge=0,
        description="Ashman's D of the two components, below which they are one heap and all examples clean; 0 always "
        "divides, as the authors do, which takes half of the examples from clean data.",
    )


@dataclass(frozen=True)
class Division:
    """`clean_N`: probability that an example is clean. `separation`: Ashman's D, 0 where all losses are equal."""

    clean_N: DoubleArray
    separation: float


def divide(loss_N: FloatArray, config: MixtureConfig, seed: int) -> Division:
    """Clean is the component of lower mean (RDE, section 3.2); two, if D = |a - b| sqrt(2 / (s_a^2 + s_b^2)) is large.

    Losses are scaled to 0..1 first. Two heaps that are one (Ashman, Bird and Zepf, 1994) leave all examples clean, as
    equal losses do. Where a division finds nobody noisy, the least clean 1 % are. Raises Diverged when a loss is not
    finite.
    """
    if not np.isfinite(loss_N).all():
        raise Diverged("the loss of an example is not finite, so clean and noisy cannot be told apart")
    low, high = float(loss_N.min()), float(loss_N.max())
    if high == low:
        return Division(np.ones(len(loss_N)), 0.0)
    scaled_N1 = ((loss_N.astype(np.float64) - low) / (high - low))[:, None]
    mixture = GaussianMixture(
        2, max_iter=config.iterations, tol=config.tolerance, reg_covar=config.least_variance, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few iterations are part of the method
        mixture.fit(scaled_N1)
    means, variances = mixture.means_[:, 0], mixture.covariances_[:, 0, 0]
    separation = float(abs(means[0] - means[1]) * np.sqrt(2 / variances.sum()))
    if separation < config.separation:
        return Division(np.ones(len(loss_N)), separation)
    clean_N: DoubleArray = mixture.predict_proba(scaled_N1)[:, int(np.argmin(means))]
    if (clean_N > 0.5).all():
        worst = np.argsort(clean_N, kind="stable")[: max(1, len(clean_N) // 100)]
        clean_N[worst] = np.minimum(clean_N[worst], 0.5)
    return Division(clean_N, separation)
