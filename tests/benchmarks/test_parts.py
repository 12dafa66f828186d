import argparse
import sys
from pathlib import Path

import pytest

from benchmarks.parts import Budget, Part, preamble, run_parts
from benchmarks.report import Row


def test_a_preamble_is_the_opening_and_every_protocol_by_name() -> None:
    parts = {"one": Part("\n  First,\n  indented.\n", lambda budget: []), "two": Part("Second.", lambda budget: [])}
    assert preamble("\nAll.\n", parts) == "All.\n\n**one**: First,\nindented.\n\n**two**: Second."


def test_quick_measures_only_what_is_asked_for_with_one_seed_and_prints_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: list[Budget] = []

    def measure(budget: Budget) -> list[Row]:
        seen.append(budget)
        return [Row("task", "method", "metric", 0.25)]

    parts = {"one": Part("", measure), "two": Part("", measure)}
    monkeypatch.setattr(sys, "argv", ["x", "--data", str(tmp_path), "--only", "two", "--quick", "--seeds", "5"])
    run_parts("never-written", "what it is", parts, "")
    assert [(budget.data, budget.seeds, budget.quick, budget.full) for budget in seen] == [(tmp_path, 1, True, False)]
    assert capsys.readouterr().out.split() == ["task", "method", "metric", "0.2500"]


def test_a_benchmark_with_its_own_data_adds_its_own_arguments_and_dry_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(budget: Budget) -> list[Row]:
        return [Row("task", "method", "minutes", budget.options["minutes"], seeds=budget.seeds)]

    def add_options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--minutes", type=int)

    monkeypatch.setattr(sys, "argv", ["x", "--parts", "one", "--dry", "--minutes", "7"])
    parts = {"one": Part("", measure)}
    run_parts("never-written", "what", parts, "", add_options)
    assert capsys.readouterr().out.split() == ["task", "method", "minutes", "7.0000"]
