from datetime import UTC, datetime
from pathlib import Path

from bundle.workspace import Workspace
from index.stamp import new_stamp


def test_a_stamp_is_the_time_in_utc_to_the_millisecond(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    moment = datetime.strptime(new_stamp(Workspace(tmp_path).collection("c")), "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    assert abs((moment - before).total_seconds()) < 5


def test_names_sort_by_age_also_when_the_clock_went_back(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("c")
    for version in ("20991231T235959.999-aaaaaaaa", "20000101T000000.000-ffffffff", "by-hand"):
        collection.index(version).mkdir(parents=True)
    assert new_stamp(collection) == "21000101T000000.000"
