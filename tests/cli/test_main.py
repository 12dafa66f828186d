import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import execute

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["train"], "Missing argument"),
        (["train", "run.toml", "--fast"], "No such option: --fast"),
        (["index", "activate", "v1"], "Missing option '--collection'"),
        (["train", "no-such-file.toml"], "cannot read the config file no-such-file.toml"),
        (["serve", "--config", "no-such-file.toml"], "cannot read the config file no-such-file.toml"),
        (["serve", "--port", "high"], "Invalid value for '--port'"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""  # stdout is for machines


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("demo", "train", "evaluate", "index", "serve", "keys", "openapi"):
        assert command in shown


def test_an_interrupt_is_told_and_exits_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.train.load_config", interrupted)
    assert execute(["train", "run.toml"]) == 130
    assert capsys.readouterr().err == "interrupted; nothing half-written was kept\n"


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = "import cli.main, sys; print([m for m in ('torch', 'faiss', 'onnxruntime', 'fastapi') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "cli", "bogus"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No such command" in done.stderr
