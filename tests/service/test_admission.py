"""Requests that are refused because they would be answered too late."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from service.batching import Outcome
from service.errors import DeadlineExceeded, Overloaded
from service.stages import Stages
from tests.service.bench import Bench, Echo, scenario


def test_whose_answer_would_come_too_late_is_refused_at_once() -> None:
    async def work() -> None:
        bench, echo = Bench(), Echo()
        first = await bench.busy(echo)
        await asyncio.sleep(0.2)
        echo.gate.set()
        await first  # one record is now expected to take some .2 s
        echo.gate.clear()
        echo.started.clear()
        running = await bench.busy(echo)
        waiting = bench.submit(echo, b"waits", records=5, patience_ms=10_000)
        with pytest.raises(Overloaded, match=r"takes some .* s, and this request has 0\.5 s") as refused:
            bench.submit(echo, b"late", patience_ms=500)
        assert refused.value.context["retry_after_s"] == 1
        patient = bench.submit(echo, b"patient", patience_ms=10_000)
        echo.gate.set()
        assert list(await asyncio.gather(running, waiting, patient)) == [b"first", b"waits", b"patient"]
        assert bench.shed == ["overloaded"]
        await bench.submit(echo, b"late", patience_ms=500)  # nothing waits any more
        await bench.close()

    scenario(work)


def test_under_four_times_the_load_impatient_callers_are_still_answered_at_the_full_rate() -> None:
    """Without looking ahead every job begins just before its deadline, and hardly any is done in time."""

    @dataclass(eq=False)
    class Slow(Echo):
        def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
            time.sleep(0.005 * len(payloads))
            return list(payloads)

    async def work() -> None:
        bench, slow, began = Bench(), Slow(), time.monotonic()
        outcomes: list[BaseException | bytes] = []

        async def one() -> None:
            try:
                outcomes.append(await bench.submit(slow, b"x", patience_ms=100))
            except (DeadlineExceeded, Overloaded) as error:
                outcomes.append(error)

        tasks: list[asyncio.Task[None]] = []
        while (elapsed := time.monotonic() - began) < 1.5:
            while len(tasks) < elapsed * 800:
                tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
        answered = sum(isinstance(outcome, bytes) for outcome in outcomes)
        late = sum(isinstance(outcome, DeadlineExceeded) for outcome in outcomes)
        assert answered > late
        await bench.close()

    scenario(work)
