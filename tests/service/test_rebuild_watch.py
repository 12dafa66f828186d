import os
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from index.rebuild_report import LastRebuild, Outcome, RebuildReport, report_folder, write_rebuild_report
from service.rebuild_watch import RebuildWatch
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, wait_until
from tests.service.tiny import make_collection


def _report(collection: Collection, version: str, outcome: Outcome, ended_at_s: float) -> None:
    told = {"collection": "shop", "version": version, "outcome": outcome, "before": None, "bundle_id": "b", "count": 1}
    report = RebuildReport.model_validate({**told, "n_copied": 0, "n_embedded": 1, "seconds": {}})
    write_rebuild_report(collection, report)
    os.utime(report_folder(collection, version) / "report.json", (ended_at_s, ended_at_s))


def test_the_newest_report_is_told_of_once(tmp_path: Path) -> None:
    collection, told = Collection("shop", tmp_path), list[tuple[str, LastRebuild]]()
    watch = RebuildWatch(lambda name, last: told.append((name, last)))
    watch.look(collection)
    assert told == []
    _report(collection, "new", "refused", 2_000.0)
    _report(collection, "old", "activated", 1_000.0)
    watch.look(collection)
    watch.look(collection)
    assert told == [("shop", LastRebuild(2_000.0, "refused"))]
    _report(collection, "new", "unchanged", 3_000.0)
    watch.look(collection)
    assert told[1:] == [("shop", LastRebuild(3_000.0, "unchanged"))]
    (report_folder(collection, "new") / "report.json").write_text("{")
    watch.look(collection)
    assert len(told) == 2


@pytest.mark.parametrize("outcome", ["refused", "activated"])
def test_it_becomes_metrics(tmp_path: Path, outcome: Outcome) -> None:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=4)
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        assert "tandem_last_rebuild_timestamp_seconds{" not in app.get("/metrics").text
        _report(collection, "x", outcome, 2_000.0)
        wait_until(lambda: 'last_rebuild_timestamp_seconds{collection="shop"} 2000.0' in app.get("/metrics").text)
        refused = float(outcome == "refused")
        assert f'tandem_rebuild_refused{{collection="shop"}} {refused}' in app.get("/metrics").text
