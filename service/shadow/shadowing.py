"""Repeats a share of real searches on a candidate, in spare time, after their answers were made.

One query of a search that is drawn is repeated, so that the work is bounded and comparisons are of different requests.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from bundle.errors import RetrievalError
from service.loaded import Loaded
from service.shadow.candidate import Candidate
from service.shadow.comparison import compare
from service.shadow.tally import Outcome, Report, Tally, TallyFolder, Trial
from service.spare_time import SpareTime

logger = logging.getLogger(__name__)
CAPACITY = 16
TELL_SECONDS = 1.0
INTERNAL = RetrievalError.code


class Answered(NamedTuple):
    """One search that was answered, and how to ask the candidate."""

    by: Loaded
    answer: bytes
    n_queries: int
    repeat: Callable[[Loaded, int], bytes]
    """The answer of another version to the query at a place; raises what a request would be answered with."""
    is_of_vectors: bool
    """Whether the queries are vectors, which mean nothing to the towers of another bundle."""


class _Repeat(NamedTuple):
    answered: Answered
    candidate: Loaded
    tally: Tally
    place: int


class Shadowing(SpareTime[_Repeat]):
    """Tries the candidates of all collections."""

    def __init__(
        self,
        core_share: float,
        tallies: TallyFolder,
        on_outcome: Callable[[str, Outcome], None],
        on_report: Callable[[Trial, Report], None],
    ) -> None:
        """`on_outcome` hears of every search that was drawn for a collection, `on_report` of trials after searches."""
        super().__init__("shadow", core_share, self._repeat, CAPACITY)
        self._tallies = tallies
        self._on_outcome = on_outcome
        self._on_report = on_report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._random = random.Random()
        self._faults: set[str] = set()
        self._tell_at: dict[Trial, float] = {}

    def start(self) -> None:
        """Start to work; to be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        super().start()

    def consider(self, candidate: Candidate, answered: Answered) -> None:
        """Draw a search by the trial's share, and have it repeated unless too much waits; called on the event loop."""
        loaded, tally = candidate.loaded, candidate.tally
        if loaded is None or self._random.random() >= candidate.shadow.share:
            return
        if answered.by.index_version != tally.trial.served_version:
            return  # it was under way when the served version changed
        if answered.is_of_vectors and answered.by.bundle_id != loaded.bundle_id:
            self._passed_by(tally, "not_comparable")
            return
        loaded.hold()
        if not self.offer(_Repeat(answered, loaded, tally, self._random.randrange(answered.n_queries))):
            loaded.release()
            self._passed_by(tally, "dropped")

    def report(self, candidate: Candidate) -> Report:
        """What the trial has shown, in all processes of this server."""
        return self._tallies.report(candidate.tally)

    def _passed_by(self, tally: Tally, outcome: Literal["dropped", "not_comparable"]) -> None:
        tally.passed_by(outcome)
        self._on_outcome(tally.trial.collection, outcome)

    # What follows runs in the thread.

    def _repeat(self, work: _Repeat) -> None:
        outcome: Outcome = "failed"
        try:
            repeated = work.answered.repeat(work.candidate, work.place)
            work.tally.compared(compare(work.answered.answer, work.place, repeated))
            outcome = "compared"
        except RetrievalError as error:
            work.tally.failed(error.code)
        except Exception as error:  # the candidate's faults are what a trial is to find
            work.tally.failed(INTERNAL)
            if self._is_new(work, error):
                logger.exception("a candidate fails unexpectedly; told once of this kind", extra=_names(work))
        finally:
            self._release(work.candidate)
        trial = work.tally.trial
        self._on_outcome(trial.collection, outcome)
        now = time.monotonic()
        if not self.is_busy or now >= self._tell_at.get(trial, 0.0):  # to tell costs more than some comparisons
            self._tell_at = {trial: now + TELL_SECONDS} | {one: at for one, at in self._tell_at.items() if at > now}
            self._tell(work)

    def _tell(self, work: _Repeat) -> None:
        try:
            self._tallies.publish(work.tally)
            self._on_report(work.tally.trial, self._tallies.report(work.tally))
        except OSError as error:  # a full disk must not end the trial
            if self._is_new(work, error):
                logger.exception("what a trial shows cannot be told to other processes", extra=_names(work))

    def _is_new(self, work: _Repeat, error: Exception) -> bool:
        """Whether no error of this kind was met with this candidate, so that the log is told once."""
        kind = f"{work.candidate.index_version} {type(error).__name__}"
        is_new = kind not in self._faults
        self._faults.add(kind)
        return is_new

    def _release(self, loaded: Loaded) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(loaded.release)


def _names(work: _Repeat) -> dict[str, str]:
    return {"collection": work.candidate.collection, "index_version": work.candidate.index_version}
