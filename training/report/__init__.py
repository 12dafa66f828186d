"""The report of a run: one page for people, without scripts, that needs no other file."""

from pathlib import Path

from training.outcome import Outcome
from training.report.page import document
from training.report.svg import style

__all__ = ["write_report"]


def write_report(folder: Path, outcome: Outcome) -> None:
    """Write `folder`/index.html, pictures and all; the same run gives the same bytes."""
    folder.mkdir(parents=True)
    with style():
        (folder / "index.html").write_text(document(outcome), encoding="utf-8")
