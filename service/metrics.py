"""Prometheus metrics: `tandem_` names, base units, labels bound once so that a request only adds numbers."""

import math
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from index.rebuild_report import LastRebuild
from service.batching import BatchReport
from service.call import Call
from service.estimate import Estimate
from service.loaded import Loaded
from service.process_metrics import ProcessMetrics
from service.shadow.metrics import ShadowMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_SECONDS = (0.00005, 0.0001, 0.00025, *_SECONDS)
_STAGES = "Time of one stage of a batch: queue (longest wait), featurize, encode, search, rescore, write."
RECALL_ENDS = {
    "": "mean of the last checked",
    "_low": "lower end of its 95 % confidence interval",
    "_high": "upper end of its 95 % confidence interval",
}
_RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one application; several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        count, time_of, gauge = self._counter, self._histogram, self._gauge
        self._requests = count("tandem_requests_total", "Requests answered.", "route", "collection", "status")
        self._request_seconds = time_of("tandem_request_seconds", "From request to answer.", _SECONDS, "route")
        self._stage_seconds = time_of("tandem_stage_seconds", _STAGES, _STAGE_SECONDS, "collection", "stage")
        self._batch_records = time_of("tandem_batch_records", "Records joined into one run.", _RECORDS, "collection")
        self._shed = count("tandem_shed_total", "Requests refused or dropped, by reason.", "collection", "reason")
        reasons = "Queries answered without all of their reranking, by reason."
        self._degraded = count("tandem_degraded_total", reasons, "collection", "reason")
        waiting = "Records admitted and not answered."
        self._pending = gauge("tandem_pending_records", waiting, "collection", mode="livesum")
        self._served = gauge(
            "tandem_served_info", "1 for what is served, 0 for what was.", "collection", "bundle_id", "index_version"
        )
        self._items = gauge("tandem_index_items", "Items of the served version.", "collection")
        self._bytes = gauge("tandem_index_bytes", "Bytes on disk of the served version.", "collection")
        self._swapped = gauge("tandem_last_swap_timestamp_seconds", "Unix time of the last swap.", "collection")
        self._built = gauge("tandem_version_built_timestamp_seconds", "Build of the served version.", "collection")
        self._rebuilt = gauge("tandem_last_rebuild_timestamp_seconds", "End of the last rebuild job.", "collection")
        self._refused = gauge("tandem_rebuild_refused", "1 while a gate refused the last rebuild.", "collection")
        target = "Index recall that the build had to reach."
        self._recall_target = gauge("tandem_index_recall_target", target, "collection")
        self._failing = gauge("tandem_load_failing", "1 while the active version does not load.", "collection")
        self._swaps = count("tandem_swaps_total", "Versions swapped in.", "collection")
        self._failures = count("tandem_load_failures_total", "Loads of a version that failed.", "collection")
        self._recall = {
            end: gauge(f"tandem_index_recall{end}", f"Index recall of real searches, {meaning}.", "collection")
            for end, meaning in RECALL_ENDS.items()
        }
        self._dropped = count("tandem_log_lines_dropped_total", "Request log lines that could not be written.")
        self.process = ProcessMetrics(self.registry)
        self.shadow = ShadowMetrics(self.registry)
        self._request_counter = lru_cache(maxsize=4096)(self._requests.labels)
        self._request_timer = lru_cache(maxsize=64)(self._request_seconds.labels)
        self._stage_timer = lru_cache(maxsize=1024)(self._stage_seconds.labels)
        self._queues: dict[str, Callable[[], int]] = {}
        self._served_labels: dict[str, tuple[str, str, str]] = {}

    def request(self, call: Call) -> None:
        """Count an answered request."""
        self._request_counter(call.route, call.collection or "", str(call.status)).inc()
        self._request_timer(call.route).observe(time.perf_counter() - call.started)

    def batch(self, collection: str, report: BatchReport) -> None:
        """Count one finished batch with its stages."""
        self._batch_records.labels(collection).observe(report.records)
        for stage, seconds in report.stages.items():
            self._stage_timer(collection, stage).observe(seconds)

    def shed(self, collection: str, reason: str) -> None:
        """Count a request that was refused (`overloaded`) or dropped (`deadline`, `cancelled`)."""
        self._shed.labels(collection, reason).inc()

    def degraded(self, collection: str, reason: str) -> None:
        """Count a query that a reranker `failed` on, gave `not_a_number` for, or ran `out_of_time` over."""
        self._degraded.labels(collection, reason).inc()

    def log_lines_dropped(self, lines: int) -> None:
        """Count request log lines that were dropped."""
        self._dropped.inc(lines)

    def recall(self, collection: str, estimate: Estimate) -> None:
        """Tell what real searches found of what exact search finds; called from the checking thread."""
        for end, value in zip(RECALL_ENDS, (estimate.mean, estimate.low, estimate.high), strict=True):
            self._recall[end].labels(collection).set(value)

    def watch_pending(self, collection: str, pending: Callable[[], int]) -> None:
        """Let the queue gauge of a collection read `pending`."""
        self._queues[collection] = pending
        if not _is_multiprocess():  # a function gauge cannot be shared between processes
            self._pending.labels(collection).set_function(pending)

    def read_process(self) -> None:
        """Tell what this process has used and, where several share the metrics, how much waits in it."""
        self.process.read()
        if _is_multiprocess():
            for collection, pending in self._queues.items():
                self._pending.labels(collection).set(pending())

    def swapped(self, loaded: Loaded) -> None:
        """Name what is served now."""
        name = loaded.collection
        old, new = self._served_labels.get(name), (name, loaded.bundle_id, loaded.index_version)
        if old is not None and old != new:
            self._served.labels(*old).set(0)
            if not _is_multiprocess():  # the files that several processes share keep every sample
                self._served.remove(*old)
        self._served_labels[name] = new
        self._served.labels(*new).set(1)
        self._items.labels(name).set(loaded.version.count)
        self._bytes.labels(name).set(loaded.size_bytes)
        self._swapped.labels(name).set(time.time())
        manifest = loaded.version.manifest
        self._built.labels(name).set(datetime.fromisoformat(manifest.created_at).timestamp())
        self._recall_target.labels(name).set(math.nan if manifest.recall.target is None else manifest.recall.target)
        self._swaps.labels(name).inc()
        self._failing.labels(name).set(0)

    def rebuilt(self, collection: str, last: LastRebuild) -> None:
        """Tell of the last rebuild job of a collection; called from the watcher's thread."""
        self._rebuilt.labels(collection).set(last.ended_at_s)
        self._refused.labels(collection).set(last.outcome == "refused")

    def load_recovered(self, collection: str) -> None:
        """Note that the active version is the served one again."""
        self._failing.labels(collection).set(0)

    def load_failed(self, collection: str) -> None:
        """Count a version that did not load."""
        self._failures.labels(collection).inc()
        self._failing.labels(collection).set(1)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, registry=self.registry, buckets=buckets)

    def _gauge(self, name: str, meaning: str, *labels: str, mode: Literal["livemax", "livesum"] = "livemax") -> Gauge:
        # Every process serves the same version, so mostly one of them speaks for all.
        return Gauge(name, meaning, labels, registry=self.registry, multiprocess_mode=mode)

    def render(self) -> bytes:
        """The text exposition, over all server processes when there are several."""
        if not _is_multiprocess():
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _is_multiprocess() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ
