"""What trials show, as Prometheus metrics."""

import math
import os

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.shadow.candidate import Candidate
from service.shadow.tally import Outcome, Report, Trial

_OVERLAP = "Share of hits that served version and candidate have in common, "
_GAUGES = {
    "tandem_shadow_overlap": f"{_OVERLAP}mean of the last searches compared.",
    "tandem_shadow_overlap_low": f"{_OVERLAP}lower end of its 95 % confidence interval.",
    "tandem_shadow_overlap_high": f"{_OVERLAP}upper end of its 95 % confidence interval.",
    "tandem_shadow_first_changed": "Share of the last searches compared whose first hit is another on the candidate.",
    "tandem_shadow_score_difference": "Score on the candidate less score on the served version, mean of common hits.",
    "tandem_shadow_score_difference_p05": "The same, 5 % quantile.",
    "tandem_shadow_score_difference_p95": "The same, 95 % quantile.",
}
NOTHING_SHOWN = (math.nan,) * len(_GAUGES)


class ShadowMetrics:
    """The metrics of trials; gauges say NaN once a trial is over."""

    def __init__(self, registry: CollectorRegistry) -> None:
        meaning = "Searches drawn for a trial: compared, dropped when busy, not comparable, failed on the candidate."
        self._searches = Counter("tandem_shadow_searches_total", meaning, ("collection", "outcome"), registry=registry)
        # A process tells of what all have seen, so the latest word counts.
        self._info = Gauge(
            "tandem_shadow_info",
            "1 for the candidate that is tried, 0 for those that were.",
            ("collection", "index_version"),
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._gauges = [
            Gauge(name, meaning, ("collection",), registry=registry, multiprocess_mode="livemostrecent")
            for name, meaning in _GAUGES.items()
        ]
        self._tried: dict[str, Trial] = {}

    def searched(self, collection: str, outcome: Outcome) -> None:
        """Count a search that was drawn for a trial."""
        self._searches.labels(collection, outcome).inc()

    def tried(self, collection: str, candidate: Candidate | None) -> None:
        """Name what is tried from now on; what the trial before it showed is told no more."""
        before = self._tried.pop(collection, None)
        if before is not None:
            self._info.labels(collection, before.candidate_version).set(0)
            if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # the files that several processes share keep every sample
                self._info.remove(collection, before.candidate_version)
            self._set(collection, NOTHING_SHOWN)
        if candidate is not None and candidate.loaded is not None:
            self._tried[collection] = candidate.tally.trial
            self._info.labels(collection, candidate.shadow.version).set(1)

    def reported(self, trial: Trial, report: Report) -> None:
        """Tell what a trial has shown so far, unless it is over."""
        overlap, changed, difference = report.overlap, report.first_changed, report.score_difference
        if overlap is None or changed is None or self._tried.get(trial.collection) != trial:
            return
        spread = (math.nan,) * 3 if difference is None else (difference.mean, difference.p05, difference.p95)
        self._set(trial.collection, (overlap.mean, overlap.low, overlap.high, changed.mean, *spread))

    def _set(self, collection: str, values: tuple[float, ...]) -> None:
        for gauge, value in zip(self._gauges, values, strict=True):
            gauge.labels(collection).set(value)
