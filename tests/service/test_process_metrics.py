import time

import psutil
import pytest
from prometheus_client import CollectorRegistry

from service.process_metrics import ProcessMetrics
from service.release import RELEASE


def test_what_the_process_uses_is_what_the_system_says() -> None:
    registry = CollectorRegistry()
    metrics, before = ProcessMetrics(registry), time.process_time()
    metrics.read()
    first = registry.get_sample_value("tandem_process_cpu_seconds_total")
    memory = registry.get_sample_value("tandem_process_resident_memory_bytes")
    metrics.read()
    second = registry.get_sample_value("tandem_process_cpu_seconds_total")
    assert first is not None and second is not None
    assert before <= first <= second <= time.process_time()
    assert memory == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_a_good_settings_file_ends_the_alarm_of_a_wrong_one() -> None:
    registry = CollectorRegistry()
    metrics = ProcessMetrics(registry)
    metrics.settings_failed()
    assert registry.get_sample_value("tandem_settings_reload_failing") == 1
    metrics.settings_read(2)
    told = ("reload_failing", "waiting", "reloads_total", "reload_failures_total")
    assert [registry.get_sample_value(f"tandem_settings_{name}") for name in told] == [0, 2, 1, 1]


def test_the_release_is_told() -> None:
    registry = CollectorRegistry()
    ProcessMetrics(registry)
    assert registry.get_sample_value("tandem_release_info", {"version": RELEASE}) == 1
