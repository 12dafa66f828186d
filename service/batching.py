"""Joins the requests that wait anyway: a bounded queue, worker threads, no fixed wait.

An idle worker takes a request the moment it comes; while it computes, others gather, and it takes those together, as
far as their records and tokens go into one run. The event loop admits by number of records, hears of a finished batch
in one wake-up, and answers. Of a request that is still there after a moment it asks whether its caller is, too.

Work that takes less than its way to a thread and back (two handovers of the interpreter, some 70 us of CPU) is done by
the event loop itself, once it has read every request that is there: what arrived together is joined here as well.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from starlette.types import Receive

from service.call import Call
from service.errors import ClientGone, DeadlineExceeded, NotReady, Overloaded
from service.pace import Pace
from service.settings import BatchingSettings
from service.stages import Stages

Outcome = bytes | Exception
# A task that listens for the end of a connection costs as much as parsing a request; most answers come sooner.
LISTEN_AFTER_S = 0.05


class Operation(Hashable, Protocol):
    """What a batch does: equal operations may be joined into one run."""

    def tokens(self, payload: Any, records: int) -> int:
        """How much of a run's room for tokens a payload of `records` records takes; called by the event loop."""

    def is_brief(self, records: int) -> bool:
        """Whether a run of `records` records is so short that the event loop may wait for it."""

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """One outcome a payload, in order; an exception among them is that payload's alone."""

    def hold(self) -> None:
        """Keep what the operation reads open until `release`."""

    def release(self) -> None:
        """Undo one `hold`."""


@dataclass(frozen=True)
class BatchReport:
    """What a finished batch tells the metrics."""

    records: int
    stages: Stages


@dataclass(eq=False, slots=True)
class _Job:
    operation: Operation
    payload: Any
    records: int
    tokens: int
    future: asyncio.Future[bytes]
    call: Call
    deadline_s: float
    expected_s: float
    enqueued: float = field(default_factory=time.perf_counter)
    timer: asyncio.TimerHandle | None = None
    listener: asyncio.Task[None] | None = None
    is_admitted: bool = True


class _Ran(NamedTuple):
    """A group that was run: all of it, what of it was still wanted, one outcome for each of those, how long it took."""

    group: list[_Job]
    live: list[_Job]
    outcomes: list[Outcome]
    stages: Stages
    seconds: float


class Batcher:
    """The queue and worker threads of one collection; used from one event loop.

    An operation says which payload is at fault where it can. Where a joined run raises instead, it is run again half by
    half, so that who is at fault fails alone and the others share their runs.
    """

    def __init__(
        self,
        name: str,
        settings: BatchingSettings,
        loop: asyncio.AbstractEventLoop,
        on_batch: Callable[[BatchReport], None],
        on_shed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._on_batch = on_batch
        self._on_shed = on_shed
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._brief: list[_Job] = []
        # As the list before, touched by the event loop's thread only.
        self._pending = 0
        self._pending_s = 0.0
        self._pace = Pace()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{name}-{i}", daemon=True) for i in range(settings.threads)
        ]
        for thread in self._threads:
            thread.start()

    def use(self, settings: BatchingSettings) -> None:
        """Take other settings; the number of threads stays."""
        self._settings = settings

    def pending(self) -> int:
        """Records admitted and not yet handed back."""
        return self._pending

    def is_alive(self) -> bool:
        """Whether every worker thread runs."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, operation: Operation, payload: Any, records: int, call: Call) -> asyncio.Future[bytes]:
        """Queue one request of `records` records; raises Overloaded at once as `check_room` does.

        The future ends with the answer, or with the request's own error, DeadlineExceeded or ClientGone; the last two
        give its place in the queue free at once. Work of a future that is done is dropped unless it runs already.
        """
        if self._closed:
            raise NotReady("the server is shutting down; ask another one")
        expected_s = self._pace.expected_s(type(operation), records)
        self.check_room(call, records, expected_s)
        limit, tokens = call.patience_s(self._settings.deadline_s), operation.tokens(payload, records)
        job = _Job(operation, payload, records, tokens, self._loop.create_future(), call, limit, expected_s)
        self._pending += records
        self._pending_s += expected_s
        operation.hold()
        if operation.is_brief(records):
            if not self._brief:
                self._loop.call_soon(self._run_brief)
            self._brief.append(job)
            return job.future
        # One timer a request: first for the moment from which on its caller is listened to, then for the deadline.
        job.timer = self._loop.call_later(min(LISTEN_AFTER_S, limit), self._listen, job)
        self._waiting.put(job)
        return job.future

    def check_room(self, call: Call, records: int = 1, expected_s: float = 0.0) -> None:
        """Raise Overloaded where so many records would be too many, or be answered later than `call` waits.

        Where everybody is answered just too late nobody is served, so a request that is not expected to be done in time
        is refused while that is cheap. One is always admitted to an empty queue, whatever its size.
        """
        if not self._pending:
            return
        settings = self._settings
        wait_s, limit = self._pending_s / settings.threads + expected_s, call.patience_s(settings.deadline_s)
        if self._pending + records > settings.max_pending_records:
            why = f"{self._pending} records are waiting and at most {settings.max_pending_records} may"
        elif wait_s > limit:
            why = f"what waits and this takes some {wait_s:.2g} s, and this request has {limit:g} s"
        else:
            return
        self._on_shed("overloaded")
        raise Overloaded(f"{why}; try again later", retry_after_s=max(settings.retry_after_s, round(wait_s - limit)))

    def close(self) -> None:
        """Finish what is queued, then end the threads; to be called off the event loop."""
        self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=self._settings.deadline_s)

    def _listen(self, job: _Job) -> None:
        """Wait from now on for the deadline of a request and for the end of its connection."""
        if job.future.done():
            return
        remaining = job.deadline_s - (time.perf_counter() - job.enqueued)
        job.timer = self._loop.call_later(max(0.0, remaining), self._expire, job)
        if job.call.receive is not None:
            job.listener = self._loop.create_task(self._drop_when_gone(job, job.call.receive))

    async def _drop_when_gone(self, job: _Job, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        self._shed(job, "cancelled", ClientGone("the caller closed the connection before its answer was there"))

    def _expire(self, job: _Job) -> None:
        error = DeadlineExceeded(f"no answer within {job.deadline_s:g} s; send fewer records or later")
        self._shed(job, "deadline", error)

    def _shed(self, job: _Job, reason: str, error: Exception) -> None:
        """End a request without its answer, and let another one have its place."""
        if not job.future.done():
            self._on_shed(reason)
            job.future.set_exception(error)
            self._leave(job)

    def _leave(self, job: _Job) -> None:
        if job.is_admitted:
            job.is_admitted = False
            self._pending -= job.records
            self._pending_s = self._pending_s - job.expected_s if self._pending else 0.0  # no rounding piles up

    def _run_brief(self) -> None:
        """Run what is brief, and leave the rest of it for when the loop has looked at its connections again."""
        most = self._settings.max_records
        jobs, self._brief = self._brief[:most], self._brief[most:]
        if self._brief:
            self._loop.call_soon(self._run_brief)
        for operation, group in _by_operation(jobs):
            self._hand_back(self._run_group(operation, group))

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            jobs, is_last = self._take_waiting(job)
            for operation, group in _by_operation(jobs):
                self._loop.call_soon_threadsafe(self._hand_back, self._run_group(operation, group))
            if is_last:
                return

    def _take_waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        """`first` and its share of what waits behind it, and whether the end of the queue was among it."""
        share = -(-self._waiting.qsize() // len(self._threads))
        jobs, records, tokens = [first], first.records, first.tokens
        while share > 0 and records < self._settings.max_records and tokens < self._settings.max_tokens:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
            if not job.future.done():  # who is gone takes nobody's place
                records += job.records
                tokens += job.tokens
            share -= 1
        return jobs, False

    def _run_group(self, operation: Operation, group: list[_Job]) -> _Ran:
        live = [job for job in group if not job.future.done()]
        stages = Stages()
        outcomes: list[Outcome] = []
        now = time.perf_counter()
        if live:
            stages["queue"] = now - live[0].enqueued
            outcomes = self._outcomes(operation, live, stages)
            self._on_batch(BatchReport(sum(job.records for job in live), stages))
        return _Ran(group, live, outcomes, stages, time.perf_counter() - now)

    def _outcomes(self, operation: Operation, jobs: list[_Job], stages: Stages) -> list[Outcome]:
        try:
            return operation.run([job.payload for job in jobs], stages)
        except Exception as error:  # noqa: BLE001 - the request boundary's far side: it is raised again at the request
            if len(jobs) == 1:
                return [error]
        middle = len(jobs) // 2
        return [
            outcome for half in (jobs[:middle], jobs[middle:]) for outcome in self._outcomes(operation, half, stages)
        ]

    def _hand_back(self, ran: _Ran) -> None:
        if ran.live:
            self._pace.learn(type(ran.live[0].operation), sum(job.records for job in ran.live), ran.seconds)
        for job, outcome in zip(ran.live, ran.outcomes, strict=True):
            job.call.stages = ran.stages
            if job.future.done():
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        for job in ran.group:
            self._end(job)

    def _end(self, job: _Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
        if job.listener is not None:
            job.listener.cancel()
        if job.future.cancelled():
            self._on_shed("cancelled")
        self._leave(job)
        job.operation.release()


def _by_operation(jobs: Sequence[_Job]) -> Iterable[tuple[Operation, list[_Job]]]:
    groups: dict[Operation, list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.operation, []).append(job)
    return groups.items()
