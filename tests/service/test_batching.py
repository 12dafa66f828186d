import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bundle.errors import InvalidRecord
from service.batching import Batcher, BatchReport, Outcome, Stages
from service.call import Call
from service.errors import DeadlineExceeded, InvalidRequest, NotReady, Overloaded
from service.settings import BatchingSettings


@dataclass(eq=False)
class Echo:
    """Answers every payload with itself; fails the whole run on `poison`; waits for `gate` first."""

    gate: threading.Event = field(default_factory=threading.Event)
    runs: list[list[Any]] = field(default_factory=list)
    held: int = 0
    started: threading.Event = field(default_factory=threading.Event)

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        self.started.set()
        assert self.gate.wait(10)
        self.runs.append(list(payloads))
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


def test_waiting_requests_are_joined_up_to_the_limit() -> None:
    async def work() -> None:
        bench, echo = Bench(max_records=4), Echo()
        first = await bench.busy(echo)
        rest = [bench.submit(echo, b"%d" % i) for i in range(6)]
        echo.gate.set()
        assert await asyncio.gather(first, *rest) == [b"first", *(b"%d" % i for i in range(6))]
        assert echo.runs == [[b"first"], [b"0", b"1", b"2", b"3"], [b"4", b"5"]]
        assert [report.records for report in bench.reports] == [1, 4, 2]
        assert {"queue", "echo"} <= bench.reports[1].stages.keys()
        await bench.close()
        assert (bench.batcher.pending(), echo.held) == (0, 0)

    scenario(work)


def test_different_operations_are_never_joined() -> None:
    async def work() -> None:
        bench, blocker, one, other = Bench(), Echo(), Echo(), Echo()
        one.gate.set()
        other.gate.set()
        first = await bench.busy(blocker)
        rest = [bench.submit(operation, b"x") for operation in (one, other, one)]
        blocker.gate.set()
        await asyncio.gather(first, *rest)
        assert (one.runs, other.runs) == ([[b"x", b"x"]], [[b"x"]])
        await bench.close()

    scenario(work)


def test_a_poison_request_fails_alone() -> None:
    async def work() -> None:
        bench, echo = Bench(), Echo()
        first = await bench.busy(echo)
        rest = [bench.submit(echo, payload) for payload in (b"a", b"poison", b"b", b"bug")]
        echo.gate.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        assert outcomes[1] == b"a" and outcomes[3] == b"b"
        assert isinstance(outcomes[2], InvalidRecord) and "at 0" in outcomes[2].message
        assert isinstance(outcomes[4], ZeroDivisionError)
        assert bench.batcher.is_alive()
        await bench.close()

    scenario(work)


def test_a_full_queue_refuses_at_once_and_recovers() -> None:
    async def work() -> None:
        bench, echo = Bench(max_pending_records=3, retry_after_s=7), Echo()
        first = await bench.busy(echo)
        second = bench.submit(echo, b"x", records=2)
        with pytest.raises(Overloaded) as refused:
            bench.submit(echo, b"y")
        assert refused.value.context["retry_after_s"] == 7
        echo.gate.set()
        await asyncio.gather(first, second)
        assert await bench.submit(echo, b"big", records=10) == b"big"  # an empty queue takes any one request
        assert bench.shed == ["overloaded"]
        await bench.close()

    scenario(work)


def test_a_caller_may_be_less_patient_than_the_server_but_not_more() -> None:
    async def work() -> None:
        bench, echo = Bench(deadline_s=0.5), Echo()
        first = await bench.busy(echo)
        hasty = bench.submit(echo, b"hasty", patience_ms=20)
        patient = bench.submit(echo, b"patient", patience_ms=60_000)
        with pytest.raises(DeadlineExceeded, match=r"within 0\.02 s"):
            await hasty
        assert not first.done()
        with pytest.raises(DeadlineExceeded, match=r"within 0\.5 s"):
            await patient
        echo.gate.set()
        await bench.close()
        assert echo.runs == [[b"first"]]

    scenario(work)


@pytest.mark.parametrize("value", [b"0", b"-5", b"1.5", b"soon", b"", b"1" * 10])
def test_a_patience_that_is_no_number_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidRequest, match="X-Request-Timeout-Ms"):
        Call([(b"x-request-timeout-ms", value)], "/").patience_s(10)


def test_the_deadline_answers_even_while_the_worker_is_busy() -> None:
    async def work() -> None:
        bench, echo = Bench(deadline_s=0.05), Echo()
        first = await bench.busy(echo)
        second = bench.submit(echo, b"late")
        for future in (first, second):
            with pytest.raises(DeadlineExceeded):
                await future
        echo.gate.set()
        await bench.close()
        await asyncio.sleep(0)
        assert echo.runs == [[b"first"]]  # what expired before its turn was never computed
        assert bench.shed == ["deadline", "deadline"]
        assert (bench.batcher.pending(), echo.held) == (0, 0)

    scenario(work)


class Fatal(Echo):
    """Ends the thread that runs it."""

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_where_the_worker_ended_requests_are_late_and_then_refused() -> None:
    async def work() -> None:
        bench, echo = Bench(deadline_s=0.05, max_pending_records=2), Echo()
        for operation in (Fatal(), echo):
            with pytest.raises(DeadlineExceeded):
                await bench.submit(operation, b"late")
        assert not bench.batcher.is_alive() and echo.runs == []
        with pytest.raises(Overloaded):
            await bench.submit(echo, b"too many")

    scenario(work)


def test_cancelled_work_is_dropped() -> None:
    async def work() -> None:
        bench, echo = Bench(), Echo()
        first = await bench.busy(echo)
        gone, kept = bench.submit(echo, b"gone"), bench.submit(echo, b"kept")
        gone.cancel()
        echo.gate.set()
        await asyncio.gather(first, kept)
        assert echo.runs == [[b"first"], [b"kept"]]
        assert bench.shed == ["cancelled"]
        await bench.close()

    scenario(work)


def test_closing_finishes_what_is_queued_and_takes_no_more() -> None:
    async def work() -> None:
        bench, echo = Bench(threads=2), Echo()
        echo.gate.set()
        futures = [bench.submit(echo, b"%d" % i) for i in range(50)]
        await bench.close()
        assert await asyncio.gather(*futures) == [b"%d" % i for i in range(50)]
        with pytest.raises(NotReady):
            bench.submit(echo, b"x")
        assert not bench.batcher.is_alive()

    scenario(work)


def test_several_threads_share_what_waits() -> None:
    async def work() -> None:
        bench, blockers, echo = Bench(threads=2), (Echo(), Echo()), Echo()
        echo.gate.set()
        firsts = [await bench.busy(blocker) for blocker in blockers]
        rest = [bench.submit(echo, b"%d" % i) for i in range(8)]
        blockers[0].gate.set()
        assert await asyncio.gather(*rest) == [b"%d" % i for i in range(8)]
        assert max(map(len, echo.runs)) <= 5
        blockers[1].gate.set()
        await asyncio.gather(*firsts)
        await bench.close()

    scenario(work)
