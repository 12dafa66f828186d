"""Joins the requests that wait anyway: a bounded queue, worker threads, no fixed wait.

An idle worker takes a request the moment it comes; while it computes, others gather, and it takes those together.
The event loop admits by number of records, hears of a finished batch in one wake-up, and answers.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from service.call import Call
from service.errors import DeadlineExceeded, NotReady, Overloaded
from service.settings import BatchingSettings
from service.stages import Stages

Outcome = bytes | Exception


class Operation(Hashable, Protocol):
    """What a batch does: equal operations may be joined into one run."""

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


@dataclass(eq=False)
class _Job:
    operation: Operation
    payload: Any
    records: int
    future: asyncio.Future[bytes]
    call: Call
    enqueued: float = field(default_factory=time.perf_counter)
    timer: asyncio.TimerHandle | None = None


class Batcher:
    """The queue and worker threads of one collection; used from one event loop.

    A request that fails inside a joined run is run again alone, once, so that it fails alone.
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
        self._pending = 0  # touched by the event loop's thread only
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{name}-{i}", daemon=True) for i in range(settings.threads)
        ]
        for thread in self._threads:
            thread.start()

    def pending(self) -> int:
        """Records admitted and not yet handed back."""
        return self._pending

    def is_alive(self) -> bool:
        """Whether every worker thread runs."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, operation: Operation, payload: Any, records: int, call: Call) -> asyncio.Future[bytes]:
        """Queue one request of `records` records; raises Overloaded at once when the queue is full.

        The future ends with the answer, with the request's own error, or with DeadlineExceeded. Cancelling it drops
        the work unless it runs already.
        """
        if self._closed:
            raise NotReady("the server is shutting down; ask another one")
        settings = self._settings
        # One request is always admitted to an empty queue, whatever its size.
        if self._pending and self._pending + records > settings.max_pending_records:
            self._on_shed("overloaded")
            raise Overloaded(
                f"{self._pending} records are waiting and at most {settings.max_pending_records} may; try again later",
                retry_after_s=settings.retry_after_s,
            )
        limit = call.patience_s(settings.deadline_s)
        job = _Job(operation, payload, records, self._loop.create_future(), call)
        job.timer = self._loop.call_later(limit, self._expire, job, limit)
        self._pending += records
        operation.hold()
        self._waiting.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then end the threads; to be called off the event loop."""
        self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=self._settings.deadline_s)

    def _expire(self, job: _Job, limit: float) -> None:
        if not job.future.done():
            self._on_shed("deadline")
            job.future.set_exception(DeadlineExceeded(f"no answer within {limit:g} s; send fewer records or later"))

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            jobs, is_last = self._take_waiting(job)
            groups: dict[Operation, list[_Job]] = {}
            for waiting in jobs:
                groups.setdefault(waiting.operation, []).append(waiting)
            for operation, group in groups.items():
                self._run_group(operation, group)
            if is_last:
                return

    def _take_waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        """`first` and its share of what waits behind it, and whether the end of the queue was among it."""
        share = -(-self._waiting.qsize() // len(self._threads))
        jobs, records = [first], first.records
        while share > 0 and records < self._settings.max_records:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
            records += job.records
            share -= 1
        return jobs, False

    def _run_group(self, operation: Operation, group: list[_Job]) -> None:
        live = [job for job in group if not job.future.done()]
        stages = Stages()
        outcomes: list[Outcome] = []
        if live:
            now = time.perf_counter()
            stages["queue"] = now - live[0].enqueued
            outcomes = self._outcomes(operation, live, stages)
            self._on_batch(BatchReport(sum(job.records for job in live), stages))
        self._loop.call_soon_threadsafe(self._hand_back, group, live, outcomes, stages)

    def _outcomes(self, operation: Operation, jobs: list[_Job], stages: Stages) -> list[Outcome]:
        try:
            return operation.run([job.payload for job in jobs], stages)
        except Exception as error:  # noqa: BLE001 - the request boundary's far side: it is raised again at the request
            if len(jobs) == 1:
                return [error]
        return [outcome for job in jobs for outcome in self._outcomes(operation, [job], stages)]

    def _hand_back(self, group: list[_Job], live: list[_Job], outcomes: list[Outcome], stages: Stages) -> None:
        for job, outcome in zip(live, outcomes, strict=True):
            job.call.stages = stages
            if job.future.done():
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        for job in group:
            if job.timer is not None:
                job.timer.cancel()
            if job.future.cancelled():
                self._on_shed("cancelled")
            self._pending -= job.records
            job.operation.release()
