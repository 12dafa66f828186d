"""What an acceptance experiment is: runs by seed, and a condition frozen before methods were compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Measured = Mapping[str, Mapping[str, float]]
"""Metrics by method."""


@dataclass(frozen=True)
class Summary:
    """Mean and population standard deviation over seeds, by method and metric."""

    mean: Mapping[str, Mapping[str, float]]
    spread: Mapping[str, Mapping[str, float]]

    @staticmethod
    def of(runs: Sequence[Measured]) -> "Summary":
        """Over the runs of one experiment."""
        values = {
            method: {metric: [run[method][metric] for run in runs] for metric in metrics}
            for method, metrics in runs[0].items()
        }
        return Summary(
            {m: {k: float(np.mean(v)) for k, v in metrics.items()} for m, metrics in values.items()},
            {m: {k: float(np.std(v)) for k, v in metrics.items()} for m, metrics in values.items()},
        )


@dataclass(frozen=True)
class Experiment:
    """One of E1 to E12 (dossier of training methods, section 10.4); `holds` judges the summary by `condition`."""

    name: str
    condition: str
    run: Callable[[int], Measured]
    holds: Callable[[Summary], bool]
