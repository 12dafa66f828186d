from datetime import datetime
from pathlib import Path

import prometheus_client.values
import pytest

from bundle.workspace import Workspace
from index.store import current
from service.batching import BatchReport
from service.call import Call
from service.loaded import load
from service.metrics import Metrics
from service.stages import Stages
from tests.service.conftest import settings_for


def test_requests_and_batches_are_counted() -> None:
    metrics, call = Metrics(), Call([], "/")
    call.route, call.collection, call.status = "search", "shop", 200
    metrics.request(call)
    stages = Stages()
    stages["encode"] = 0.002
    metrics.batch("shop", BatchReport(3, stages))
    metrics.shed("shop", "deadline")
    metrics.watch_pending("shop", lambda: 5)
    text = metrics.render().decode()
    assert 'tandem_requests_total{collection="shop",route="search",status="200"} 1.0' in text
    assert 'tandem_stage_seconds_sum{collection="shop",stage="encode"} 0.002' in text
    assert 'tandem_batch_records_bucket{collection="shop",le="2.0"} 0.0' in text
    assert 'tandem_batch_records_bucket{collection="shop",le="4.0"} 1.0' in text
    assert 'tandem_shed_total{collection="shop",reason="deadline"} 1.0' in text
    assert 'tandem_pending_records{collection="shop"} 5.0' in text


def test_a_swap_replaces_the_info(shop_root: Path) -> None:
    collection = Workspace(shop_root).collection("shop")
    loaded = load(collection, str(current(collection)), settings_for(shop_root), None)
    metrics = Metrics()
    metrics.load_failed("shop")
    metrics.swapped(loaded)
    loaded.index_version = "next"
    metrics.swapped(loaded)
    lines = metrics.render().decode().splitlines()
    served = [line for line in lines if line.startswith("tandem_served_info{")]
    assert len(served) == 1 and 'index_version="next"' in served[0]
    assert 'tandem_load_failing{collection="shop"} 0.0' in lines
    assert 'tandem_load_failures_total{collection="shop"} 1.0' in lines
    assert 'tandem_swaps_total{collection="shop"} 2.0' in lines


def test_a_swap_tells_when_the_version_was_built_and_what_its_recall_had_to_be(shop_root: Path) -> None:
    collection = Workspace(shop_root).collection("shop")
    loaded = load(collection, str(current(collection)), settings_for(shop_root), None)
    metrics = Metrics()
    metrics.swapped(loaded)
    built = metrics.registry.get_sample_value("tandem_version_built_timestamp_seconds", {"collection": "shop"})
    swapped = metrics.registry.get_sample_value("tandem_last_swap_timestamp_seconds", {"collection": "shop"})
    assert built == pytest.approx(datetime.fromisoformat(loaded.version.manifest.created_at).timestamp())
    assert swapped is not None and built is not None and 0 < swapped - built < 3600
    target = metrics.registry.get_sample_value("tandem_index_recall_target", {"collection": "shop"})
    assert target == loaded.version.manifest.recall.target


def test_processes_add_up_what_waits(shop_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    waiting = iter([5, 0, 2, 7])
    for process_id in (1, 2):
        shared = prometheus_client.values.MultiProcessValue(lambda process_id=process_id: process_id)  # type: ignore[no-untyped-call]
        monkeypatch.setattr(prometheus_client.values, "ValueClass", shared)
        metrics = Metrics()
        metrics.watch_pending("shop", lambda: next(waiting))
        metrics.read_process()
        metrics.read_process()
    assert 'tandem_pending_records{collection="shop"} 7.0' in metrics.render().decode().splitlines()


def test_names_end_in_their_unit() -> None:
    for family in Metrics().registry.collect():
        assert family.name.startswith("tandem_")
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_records"))


def test_a_version_that_one_of_several_processes_left_is_not_shown_as_served(
    shop_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    shared = prometheus_client.values.MultiProcessValue()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(prometheus_client.values, "ValueClass", shared)
    collection = Workspace(shop_root).collection("shop")
    loaded = load(collection, str(current(collection)), settings_for(shop_root), None)
    metrics, old = Metrics(), loaded.index_version
    metrics.swapped(loaded)
    loaded.index_version = "next"
    metrics.swapped(loaded)
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("tandem_served_info{")]
    assert [old in line for line in lines if line.endswith(" 1.0")] == [False]
    assert not [line for line in lines if old in line and not line.endswith(" 0.0")]


def test_dropped_log_lines_are_counted() -> None:
    metrics = Metrics()
    metrics.log_lines_dropped(3)
    assert "tandem_log_lines_dropped_total 3.0" in metrics.render().decode()
