"""A batcher with an operation that tells what it ran, and waits until it may."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bundle.errors import InvalidRecord
from service.batching import Batcher, BatchReport, Outcome
from service.call import Call
from service.settings import BatchingSettings
from service.stages import Stages


@dataclass(eq=False)
class Echo:
    """Answers every payload with itself; fails the whole run on `poison`; waits for `gate` first."""

    gate: threading.Event = field(default_factory=threading.Event)
    runs: list[list[Any]] = field(default_factory=list)
    held: int = 0
    brief: bool = False
    threads: set[int] = field(default_factory=set)
    started: threading.Event = field(default_factory=threading.Event)

    def is_brief(self, records: int) -> bool:
        return self.brief

    def tokens(self, payload: Any, records: int) -> int:
        return len(payload)

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        self.started.set()
        assert self.gate.wait(10)
        self.runs.append(list(payloads))
        self.threads.add(threading.get_ident())
        if b"poison" in payloads:
            raise InvalidRecord(f"bad record at {list(payloads).index(b'poison')}")
        if b"bug" in payloads:
            raise ZeroDivisionError("a bug")
        stages.mark("echo")
        return list(payloads)

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.held -= 1


class Bench:
    """A batcher on the running loop with what it reported."""

    def __init__(self, **settings: Any) -> None:
        self.reports: list[BatchReport] = []
        self.shed: list[str] = []
        self.batcher = Batcher(
            "test",
            BatchingSettings(**settings),
            asyncio.get_running_loop(),
            self.reports.append,
            self.shed.append,
        )

    def submit(
        self, operation: Echo, payload: object, records: int = 1, patience_ms: int | None = None
    ) -> "asyncio.Future[bytes]":
        headers = [] if patience_ms is None else [(b"x-request-timeout-ms", b"%d" % patience_ms)]
        return self.batcher.submit(operation, payload, records, Call(headers, "/"))

    async def busy(self, operation: Echo) -> "asyncio.Future[bytes]":
        """Occupy the worker until the operation's gate opens."""
        future = self.submit(operation, b"first")
        await asyncio.to_thread(operation.started.wait, 10)
        return future

    async def close(self) -> None:
        await asyncio.to_thread(self.batcher.close)


def scenario(work: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))
