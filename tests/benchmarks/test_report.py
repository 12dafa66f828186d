"""Tables that grow by parts."""

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Row, add_rows


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
