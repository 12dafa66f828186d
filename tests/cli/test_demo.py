"""The demo as a newcomer runs it; `--check` is what a fresh machine is proven with."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli import demo
from cli.main import execute

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_trains_builds_serves_and_answers() -> None:
    command = [sys.executable, "-m", "cli", "demo", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    for shown in ("items similar to", "next purchases of customer", "semantic-ID prefix", "curl -s http://127.0.0.1:"):
        assert shown in done.stderr
    assert "every request was answered" in done.stderr


def test_without_the_example_it_says_where_it_runs_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "EXAMPLE", tmp_path / "nothing")
    assert execute(["demo"]) == 2
    assert "runs from a checkout" in capsys.readouterr().err
