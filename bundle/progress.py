"""How long work tells where it stands; the command line draws it, libraries never print."""

from typing import Protocol


class Progress(Protocol):
    """Receives the steps of one task after another."""

    def start(self, task: str, total: int | None) -> None:
        """Begin a task of `total` steps (None when the number is not known)."""

    def advance(self, n: int = 1) -> None:
        """Count `n` steps of the current task as done."""

    def note(self, text: str) -> None:
        """Show one line about the current task, for example a loss."""

    def finish(self) -> None:
        """End the current task."""


class NoProgress:
    """Progress that nobody watches."""

    def start(self, task: str, total: int | None) -> None:
        """Ignore the start of a task."""

    def advance(self, n: int = 1) -> None:
        """Ignore the steps."""

    def note(self, text: str) -> None:
        """Ignore the line."""

    def finish(self) -> None:
        """Ignore the end of a task."""
