"""Metrics of the server processes themselves: the release, what they use, and their settings file."""

import os
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.release import RELEASE

_STATM = Path("/proc/self/statm")


class ProcessMetrics:
    """What one process tells; several are added up."""

    def __init__(self, registry: CollectorRegistry) -> None:
        release = Gauge(
            "tandem_release_info",
            "1 for the release that runs.",
            ("version",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        release.labels(RELEASE).set(1)
        self._cpu = Counter(
            "tandem_process_cpu_seconds_total", "Processor time of the server processes.", registry=registry
        )
        self._memory = Gauge(
            "tandem_process_resident_memory_bytes",
            "Memory of the server processes, with the pages of mapped files that they touched.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._reads = Counter(
            "tandem_settings_reloads_total", "Changed settings files that were taken up.", registry=registry
        )
        self._failures = Counter(
            "tandem_settings_reload_failures_total", "Changed settings files with faults.", registry=registry
        )
        self._failing = Gauge(
            "tandem_settings_reload_failing",
            "1 while the settings file has faults.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._waiting = Gauge(
            "tandem_settings_waiting",
            "Settings in the file that wait for a restart.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._told_s = 0.0

    def read(self) -> None:
        """Tell what this process has used so far."""
        spent_s = time.process_time()
        self._cpu.inc(spent_s - self._told_s)
        self._told_s = spent_s
        pages = int(_STATM.read_text().split()[1])
        self._memory.set(pages * os.sysconf("SC_PAGE_SIZE"))

    def settings_read(self, n_waiting: int) -> None:
        """Count a changed settings file of which all but `n_waiting` settings are used."""
        self._reads.inc()
        self._failing.set(0)
        self._waiting.set(n_waiting)

    def settings_failed(self) -> None:
        """Count a changed settings file that cannot be used."""
        self._failures.inc()
        self._failing.set(1)
