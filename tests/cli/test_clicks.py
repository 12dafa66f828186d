import json
from pathlib import Path

import pytest

from cli.main import execute

HEAD = "session_id,query_id,item_id,position,clicked\n"


def test_a_log_is_counted_and_what_is_wrong_with_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text(HEAD + "1,a,x,1,1\n1,a,y,2,0\n2,a,x,1,1\n2,a,y,2,1\n3,b,x,1,0\n")
    assert execute(["clicks", str(path), "--json"]) == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert {name: answer[name] for name in ("lists", "pairs", "repeated_pairs", "moved_pairs")} == {
        "lists": 3,
        "pairs": 3,
        "repeated_pairs": 2,
        "moved_pairs": 0,
    }
    assert answer["shown"] == [3, 2] and answer["clicks"] == [2, 1]
    assert [finding["code"] for finding in answer["findings"]] == ["deterministic-logging", "few-clicks"]
    said = " ".join(printed.err.split())
    assert "0.6667" in said and "deterministic-logging: The order was never varied." in said


def test_a_log_that_cannot_be_read_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text("query_id,item_id,position,clicked,grade\na,x,1,1,3\na,y,2,0,0\n")
    assert execute(["clicks", str(path), "--max-grade", "2"]) == 2
    assert "row 1, column 'grade': is outside the scale of 0 to 2" in " ".join(capsys.readouterr().err.split())
