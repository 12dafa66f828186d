from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from evaluation.errors import UnusableLog
from evaluation.off_policy.log import read_log

HEAD = "item_id,position,reward,propensity\n"


def write(folder: Path, rows: str, head: str = HEAD) -> Path:
    path = folder / "log.csv"
    path.write_text(head + rows)
    return path


def test_a_log_is_read_with_places_from_0(tmp_path: Path) -> None:
    log = read_log(write(tmp_path, "007,1,1,0.5\nb,3,0,0.25\n007,2,0,1\n"))
    assert log.item_ids == ("007", "b") and log.n_places == 3
    assert log.item_N.tolist() == [0, 1, 0] and log.place_N.tolist() == [0, 2, 1]
    assert log.query_ids == ()


def test_queries_are_kept_where_they_are_named(tmp_path: Path) -> None:
    log = read_log(write(tmp_path, "a,1,1,0.5,q1\n", HEAD.replace("\n", ",query_id\n")))
    assert log.query_ids == ("q1",)
    with pytest.raises(InvalidTable, match=r"row 2, column 'query_id' is missing"):
        read_log(write(tmp_path, "a,1,1,0.5,q1\na,1,1,0.5,\n", HEAD.replace("\n", ",query_id\n")))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,0,1,0.5\n", r"row 1, column 'position' is under 1"),
        ("a,1,1,0.5\na,1,1,0\n", r"row 2, column 'propensity' is no probability"),
        ("a,1,1,1.5\n", r"row 1, column 'propensity' is no probability"),
        ("a,1,inf,0.5\n", r"row 1, column 'reward' is infinite"),
        ("a,1,,0.5\n", r"row 1, column 'reward' is missing"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        read_log(write(tmp_path, rows))


def test_a_log_that_shows_nothing_of_other_rankings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableLog, match="every propensity is 1"):
        read_log(write(tmp_path, "a,1,1,1\nb,2,0,1\n"))
    with pytest.raises(UnusableLog, match="no rows"):
        read_log(write(tmp_path, ""))
