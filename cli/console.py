"""How the command line talks: people's output on stderr, machine output on stdout, progress by what stderr is."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from bundle.progress import Progress

_PLAIN_INTERVAL_S = 5.0

# Pipes and logs have no width of their own; 120 columns hold every table.
_WIDTH = None if sys.stderr.isatty() else 120
people = Console(stderr=True, highlight=False, soft_wrap=True, width=_WIDTH)


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the message says what is kept and how to go on."""


def say(text: str) -> None:
    """One line for people."""
    people.print(text, markup=False)


def emit(text: str) -> None:
    """One line for machines."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_progress() -> Progress:
    """A bar with rate and time left on a terminal, plain lines elsewhere."""
    return BarProgress() if people.is_terminal else PlainProgress()


class BarProgress:
    """Progress as a bar that stays on the screen when its task ends."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._task = TaskID(0)

    def start(self, task: str, total: int | None) -> None:
        """Draw a new bar; one that was left open ends first."""
        self.finish()
        self._bars = Bars(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>12}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=people,
        )
        self._bars.start()
        self._task = self._bars.add_task(task, total=total, rate="", note="")

    def advance(self, n: int = 1) -> None:
        """Move the bar."""
        if self._bars:
            speed = self._bars.tasks[0].speed
            self._bars.update(self._task, advance=n, rate=f"{speed:,.0f}/s" if speed else "")

    def note(self, text: str) -> None:
        """Show a line beside the bar."""
        if self._bars:
            self._bars.update(self._task, note=text)

    def finish(self) -> None:
        """Leave the bar as it stands."""
        if self._bars:
            self._bars.stop()
            self._bars = None


class PlainProgress:
    """Progress as lines, at most one every few seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._task = ""
        self._total: int | None = None
        self._done = 0
        self._started = self._last = 0.0

    def start(self, task: str, total: int | None) -> None:
        """Name the task."""
        self._task, self._total, self._done = task, total, 0
        self._started = self._last = time.monotonic()
        say(f"{task} ...")

    def advance(self, n: int = 1) -> None:
        """Say how far it is, now and then."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= _PLAIN_INTERVAL_S:
            self._last = now
            rate = self._done / max(now - self._started, 1e-9)
            of = f" of {self._total:,}" if self._total is not None else ""
            left = f", {(self._total - self._done) / rate:.0f} s left" if self._total is not None and rate else ""
            say(f"{self._task}: {self._done:,}{of}, {rate:,.0f}/s{left}")

    def note(self, text: str) -> None:
        """Say the line."""
        say(f"{self._task}: {text}")

    def finish(self) -> None:
        """Say how long the task took."""
        if self._task:
            say(f"{self._task}: done in {time.monotonic() - self._started:.1f} s")
            self._task = ""
