"""What a trial has shown so far: counts of searches by outcome, and the last comparisons.

Every server process keeps its own and lays it into a folder that all share, where there is one, so that each can tell
of all.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import orjson

from service.estimate import Estimate, estimate
from service.shadow.comparison import Comparison

WINDOW = 1_000
Outcome = Literal["compared", "dropped", "not_comparable", "failed"]


class Trial(NamedTuple):
    """Which two versions of which collection are compared, and since when."""

    collection: str
    served_version: str
    candidate_version: str
    started_at: str


@dataclass(frozen=True)
class Spread:
    """Mean and quantiles of score differences."""

    mean: float
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Report:
    """A trial in numbers; what comparisons say is None before the first."""

    counts: dict[Outcome, int]
    errors: dict[str, int]
    overlap: Estimate | None = None
    first_changed: Estimate | None = None
    score_difference: Spread | None = None


class Tally:
    """The outcomes of one trial in this process; may be used from several threads."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._counts: Counter[Outcome] = Counter()
        self._errors: Counter[str] = Counter()
        self._window: deque[Comparison] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def compared(self, comparison: Comparison) -> None:
        """Note what one query showed."""
        with self._lock:
            self._counts["compared"] += 1
            self._window.append(comparison)

    def failed(self, code: str) -> None:
        """Note a search that the candidate answered with an error of this code."""
        with self._lock:
            self._counts["failed"] += 1
            self._errors[code] += 1

    def passed_by(self, outcome: Literal["dropped", "not_comparable"]) -> None:
        """Note a search that was drawn and not repeated."""
        with self._lock:
            self._counts[outcome] += 1

    def report(self) -> Report:
        """What this process saw."""
        return report_of([self])

    def dump(self) -> bytes:
        """All of it as JSON."""
        with self._lock:
            content = [tuple(self.trial), self._counts, self._errors, [tuple(one) for one in self._window]]
        return orjson.dumps(content)

    @classmethod
    def load(cls, dumped: bytes) -> "Tally":
        """What `dump` wrote; raises ValueError."""
        trial, counts, errors, window = orjson.loads(dumped)
        tally = cls(Trial(*trial))
        tally._counts.update(counts)
        tally._errors.update(errors)
        tally._window.extend(
            Comparison(overlap, changed, tuple(differences)) for overlap, changed, differences in window
        )
        return tally

    def _parts(self) -> tuple[Counter[Outcome], Counter[str], list[Comparison]]:
        with self._lock:
            return self._counts.copy(), self._errors.copy(), list(self._window)


class TallyFolder:
    """Where the processes of one server lay their tallies; without a folder there is but one process."""

    def __init__(self, folder: Path | None, process_id: int) -> None:
        self._folder = folder
        self._process_id = process_id

    def publish(self, tally: Tally) -> None:
        """Let the other processes know of `tally`."""
        if self._folder is not None:
            path = self._folder / self._name(tally)
            written = path.with_suffix(".part")
            written.write_bytes(tally.dump())
            written.replace(path)

    def report(self, tally: Tally) -> Report:
        """What all processes saw of the trial that `tally` is of."""
        others = [one for one in self._others(tally) if one.trial == tally.trial]
        return report_of([tally, *others])

    def _others(self, own: Tally) -> Iterable[Tally]:
        if self._folder is not None:
            for path in self._folder.glob(f"shadow_*_{own.trial.collection}.json"):
                if path.name != self._name(own):
                    yield Tally.load(path.read_bytes())

    def _name(self, tally: Tally) -> str:
        return f"shadow_{self._process_id}_{tally.trial.collection}.json"


def report_of(tallies: Iterable[Tally]) -> Report:
    """Tallies of one trial as one."""
    counts: Counter[Outcome] = Counter()
    errors: Counter[str] = Counter()
    window: list[Comparison] = []
    for tally in tallies:
        own_counts, own_errors, own_window = tally._parts()
        counts += own_counts
        errors += own_errors
        window += own_window
    if not window:
        return Report(dict(counts), dict(errors))
    differences = np.array([difference for one in window for difference in one.differences])
    return Report(
        dict(counts),
        dict(errors),
        overlap=estimate([one.overlap for one in window]),
        first_changed=estimate([one.first_changed for one in window]),
        score_difference=_spread(differences) if len(differences) else None,
    )


def _spread(differences: np.ndarray) -> Spread:
    p05, p50, p95 = np.quantile(differences, [0.05, 0.5, 0.95])
    return Spread(float(differences.mean()), float(p05), float(p50), float(p95))
