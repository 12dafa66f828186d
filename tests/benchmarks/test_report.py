"""Tables that grow by parts."""

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Row, add_rows, rows_of


def test_rows_measured_again_replace_the_old_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr(report, "STARTED_AT", "first")
    add_rows("trial", [Row("shop", "a", "mrr", 0.1), Row("shop", "b", "mrr", 0.2), Row("zoo", "a", "mrr", 0.3)], "How.")
    monkeypatch.setattr(report, "STARTED_AT", "second")
    page = add_rows("trial", [Row("shop", "b", "mrr", 0.9), Row("shop", "c", "mrr", 0.5)], "How.")
    data = json.loads((tmp_path / "trial.json").read_text())
    values = [(row["task"], row["method"], row["value"]) for row in data["rows"]]
    assert values == [("shop", "a", 0.1), ("shop", "b", 0.9), ("shop", "c", 0.5), ("zoo", "a", 0.3)]
    assert data["commit"] == "first, second"
    assert "| b | 0.9000 | 1 |" in page.read_text()


def test_a_table_measured_anew_names_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr(report, "STARTED_AT", "first")
    add_rows("trial", [Row("shop", "a", "mrr", 0.1)], "How.")
    monkeypatch.setattr(report, "STARTED_AT", "second")
    add_rows("trial", [Row("shop", "a", "mrr", 0.2)], "How.")
    assert json.loads((tmp_path / "trial.json").read_text())["commit"] == "second"


def test_a_row_of_several_runs_has_a_spread_and_of_one_run_none() -> None:
    assert rows_of("shop", "a", [{"mrr": 0.2, "train_cpu_s": 3}]) == [
        Row("shop", "a", "mrr", 0.2, None, 1),
        Row("shop", "a", "train_cpu_s", 3, None, 1, "s"),
    ]
    assert rows_of("shop", "a", [{"mrr": 0.25}, {"mrr": 0.75}]) == [Row("shop", "a", "mrr", 0.5, 0.25, 2)]


def test_a_measure_that_some_runs_lack_is_a_row_of_the_others() -> None:
    rows = rows_of("shop", "a", [{"mrr": 0.25}, {"mrr": 0.75, "pooled_auc": 0.9}])
    assert [(row.metric, row.value, row.seeds) for row in rows] == [("mrr", 0.5, 2), ("pooled_auc", 0.9, 1)]
