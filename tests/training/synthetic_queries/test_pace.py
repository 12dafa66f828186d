import asyncio
import time
from itertools import pairwise

import pytest

from training.synthetic_queries.pace import Pace, Stopped


def _gaps(times: list[float]) -> list[float]:
    ordered = sorted(times)
    return [b - a for a, b in pairwise(ordered)]


def test_turns_lie_apart_however_many_wait() -> None:
    async def run() -> list[float]:
        pace, times = Pace(1200), []  # a turn every 50 ms

        async def one() -> None:
            await pace.turn()
            times.append(time.monotonic())

        await asyncio.gather(*(one() for _ in range(6)))
        return times

    assert min(_gaps(asyncio.run(run()))) > 0.045


def test_hold_delays_everyone_and_stop_ends_every_wait() -> None:
    async def run() -> tuple[float, float]:
        pace, begun = Pace(None), time.monotonic()
        await pace.turn()
        pace.hold(0.1)
        await pace.turn()
        held = time.monotonic() - begun
        asyncio.get_running_loop().call_later(0.05, pace.stop)
        with pytest.raises(Stopped):
            await pace.sleep(60)
        with pytest.raises(Stopped):
            await pace.turn()
        return held, time.monotonic() - begun

    held, whole = asyncio.run(run())
    assert 0.1 <= held < 0.5
    assert whole < 5
