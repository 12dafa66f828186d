import json
from pathlib import Path

import pytest

from cli.main import execute


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.run").write_text("".join(f"q{n} Q0 x 1 2 a\nq{n} Q0 y 2 1 a\n" for n in range(20)))
    (tmp_path / "b.run").write_text("".join(f"q{n} Q0 y 1 2 b\nq{n} Q0 x 2 1 b\n" for n in range(18)))
    (tmp_path / "q.txt").write_text("".join(f"q{n} 0 y 2\nq{n} 0 x {n % 2}\n" for n in range(20)))
    return tmp_path


def test_runs_are_measured_and_held_against_the_first(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["compare", "a.run", "b.run", "--qrels", "q.txt", "--metric", "mrr", "--json"]) == 0
    told = capsys.readouterr()
    a, b = json.loads(told.out)
    assert (a["name"], a["metrics"]["mrr"]["mean"]) == ("a", 0.75)
    assert (b["n_ranked"], b["metrics"]["mrr"]["mean"]) == (18, pytest.approx(0.9))
    (paired,) = b["against_first"]
    assert (paired["wins"], paired["losses"], paired["ties"]) == (9, 2, 9)
    assert paired["p_value"] == 187 / 1024  # ten differences of a half and one of 1, by all their signs
    assert paired["difference"]["low"] < 0.15 < paired["difference"]["high"]
    assert b["queries"]["q19"] == {"mrr": 0}
    assert "nobody judged" not in told.err
    assert "b ranked 18 of 20 judged queries; the others count as 0" in told.err
    assert "a → b" in told.err


def test_the_report_names_items_and_a_stricter_grade_counts(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "items.csv").write_text("item_id,title\nx,a red mug\ny,a blue mug\n")
    (files / "queries.csv").write_text("query_id,text\n" + "".join(f"q{n},mugs {n}\n" for n in range(20)))
    command = ["compare", "a.run", "b.run", "--qrels", "q.txt", "--metric", "mrr@5", "--metric", "judged@10"]
    names = ["--items", "items.csv", "--queries", "queries.csv", "--report", "out.html", "--relevant-from", "2"]
    assert execute([*command, *names]) == 0
    page = (files / "out.html").read_text()
    assert "✓ a blue mug (2)" in page
    assert "✓ a red mug" not in page
    assert "<h3>mugs 19</h3>" in page
    found = json.loads((files / "out.json").read_text())
    assert [one["metric"] for one in found["results"]] == ["mrr@5"]
    assert (found["results"][0]["wins"], found["results"][0]["losses"]) == (18, 2)
    assert "wrote out.html and out.json" in capsys.readouterr().err


def test_one_run_is_measured_alone(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["compare", "a.run", "--qrels", "q.txt"]) == 0
    told = capsys.readouterr().err
    assert "20 judged queries, with 95% intervals" in told
    assert "0.7500 (0." in told
    assert "→" not in told


def test_queries_that_nobody_judged_are_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "few.txt").write_text("q0 0 y 1\n")
    assert execute(["compare", "a.run", "--qrels", "few.txt", "--metric", "mrr"]) == 0
    told = capsys.readouterr().err
    assert "a ranked 19 queries that nobody judged; they are left out" in told
    assert "0.5000 (no interval)" in told


def test_runs_that_share_a_tag_go_by_their_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "c.run").write_text((files / "a.run").read_text())
    assert execute(["compare", "a.run", "c.run", "--qrels", "q.txt", "--metric", "map", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found] == ["a.run", "c.run"]
    assert found[1]["against_first"][0]["p_value"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.run", "a.run", "--qrels", "q.txt"], "a run against itself ties on every query"),
        (["a.run", "--qrels", "q.txt", "--report", "x.html"], "two runs side by side; name two"),
        (["a.run", "--qrels", "none.txt"], "none.txt cannot be read"),
        (["a.run", "--qrels", "a.run"], "a.run line 1: 6 columns instead of 4"),
        (["empty.run", "--qrels", "q.txt"], "empty.run has no line"),
        (["a.run", "--qrels", "q.txt", "--most-grade", "1"], "q.txt line 1: the grade 2 is outside the scale"),
        (["a.run", "--qrels", "other.txt"], "none of the 20 queries that were ranked is among the 1"),
        (["a.run", "--qrels", "q.txt", "--metric", "accuracy"], "'accuracy' is no metric"),
        (["a.run", "--qrels", "big.txt", "--gain", "exponential"], "a grade is 99"),
    ],
)
def test_bad_input_is_told_and_is_bad_usage(
    files: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    (files / "empty.run").write_text("")
    (files / "other.txt").write_text("z 0 y 1\n")
    (files / "big.txt").write_text("q1 0 y 99\n")
    assert execute(["compare", *arguments]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
