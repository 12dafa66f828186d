import asyncio
import threading

import pytest

from bundle.errors import InvalidRecord
from service.call import Call
from service.errors import ClientGone, DeadlineExceeded, InvalidRequest, NotReady, Overloaded
from tests.service.bench import Bench, Echo, scenario


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


def test_waiting_requests_are_joined_up_to_the_limit_of_tokens() -> None:
    async def work() -> None:
        bench, echo = Bench(max_tokens=5), Echo()
        first = await bench.busy(echo)
        rest = [bench.submit(echo, payload) for payload in (b"aa", b"bb", b"cc", b"longer than all", b"d", b"e")]
        echo.gate.set()
        await asyncio.gather(first, *rest)
        assert echo.runs[1:] == [[b"aa", b"bb", b"cc"], [b"longer than all"], [b"d", b"e"]]
        await bench.close()

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


def test_the_others_share_the_runs_that_a_poison_request_costs() -> None:
    async def work() -> None:
        bench, echo = Bench(), Echo()
        first = await bench.busy(echo)
        payloads = [b"%d" % i for i in range(31)]
        rest = [bench.submit(echo, payload) for payload in (*payloads, b"poison")]
        echo.gate.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [one for one in outcomes if isinstance(one, bytes)] == [b"first", *payloads]
        assert len(echo.runs) - 1 <= 11  # itself, and two for each halving of 32
        await bench.close()

    scenario(work)


def test_a_caller_that_is_gone_frees_its_place_at_once() -> None:
    async def work() -> None:
        bench, echo = Bench(max_pending_records=3), Echo()
        first = await bench.busy(echo)
        connection: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        gone = Call([], "/")
        gone.receive = connection.get
        waiting = bench.batcher.submit(echo, b"gone", 2, gone)
        with pytest.raises(Overloaded):
            bench.submit(echo, b"other")
        connection.put_nowait({"type": "http.disconnect"})
        with pytest.raises(ClientGone):
            await waiting
        assert bench.batcher.pending() == 1
        other = bench.submit(echo, b"other", records=2)
        echo.gate.set()
        assert await first + await other == b"firstother"
        assert echo.runs == [[b"first"], [b"other"]]
        assert bench.shed == ["overloaded", "cancelled"]
        await bench.close()
        assert (bench.batcher.pending(), echo.held) == (0, 0)

    scenario(work)


def test_nobody_listens_any_more_once_the_answer_is_there() -> None:
    async def work() -> None:
        bench, echo = Bench(), Echo()
        call, before = Call([], "/"), asyncio.all_tasks()
        call.receive = asyncio.Queue().get
        answer = bench.batcher.submit(echo, b"x", 1, call)
        while asyncio.all_tasks() == before:
            await asyncio.sleep(0.001)
        echo.gate.set()
        assert await answer == b"x"
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
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


def test_brief_work_is_joined_and_done_by_the_event_loop() -> None:
    async def work() -> None:
        bench, echo = Bench(max_records=3), Echo(brief=True)
        echo.gate.set()
        requests = [bench.submit(echo, b"%d" % i) for i in range(5)]
        gone = bench.submit(echo, b"gone")
        gone.cancel()
        assert echo.runs == []  # the loop reads what else is there first
        assert await asyncio.gather(*requests) == [b"%d" % i for i in range(5)]
        await asyncio.sleep(0)
        assert echo.runs == [[b"0", b"1", b"2"], [b"3", b"4"]]
        assert echo.threads == {threading.get_ident()}
        assert (bench.batcher.pending(), echo.held, bench.shed) == (0, 0, ["cancelled"])
        await bench.close()

    scenario(work)


def test_brief_work_does_not_wait_for_a_busy_worker_and_fails_alone() -> None:
    async def work() -> None:
        bench, slow, brief = Bench(), Echo(), Echo(brief=True)
        brief.gate.set()
        first = await bench.busy(slow)
        outcomes = await asyncio.gather(
            *[bench.submit(brief, payload) for payload in (b"a", b"poison", b"b")], return_exceptions=True
        )
        assert (outcomes[0], outcomes[2]) == (b"a", b"b") and isinstance(outcomes[1], InvalidRecord)
        assert not first.done()
        slow.gate.set()
        assert await first == b"first"
        await bench.close()

    scenario(work)
