import pytest

from cli import console
from cli.console import BarProgress, PlainProgress


@pytest.mark.parametrize("kind", [BarProgress, PlainProgress])
def test_progress_speaks_on_stderr_only(
    kind: type[BarProgress | PlainProgress], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = kind()
    progress.start("embed", 10)
    for _ in range(10):
        progress.advance()
    progress.note("loss 0.5")
    progress.finish()
    progress.finish()  # ending twice is harmless
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "embed" in captured.err


def test_plain_lines_tell_how_far_and_how_fast(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("cli.console.time.monotonic", lambda: now[0])
    progress = PlainProgress()
    progress.start("embed", 100)
    now[0] = 10.0
    progress.advance(40)
    progress.advance(1)  # too soon for another line
    assert capsys.readouterr().err.splitlines() == ["embed ...", "embed: 40 of 100, 4/s, 15 s left"]


def test_texts_with_brackets_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("codes [bold] 1-2")
    assert "codes [bold] 1-2" in capsys.readouterr().err
