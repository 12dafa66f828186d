"""What a unit of work takes, as a running estimate: how a reranker knows beforehand what scoring will cost."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REMEMBERED = 15
_CAUTION = 0.9
_COUNTS_FOR_S = 10.0


class WorkRate:
    """Seconds a unit of work: the 0.9 quantile of the last measurements, of which none is older than 10 seconds.

    So a single slow one moves nothing, and where times vary, as on a busy machine, it is on the careful side. Old ones
    are forgotten because an estimate too large for every budget would else keep itself from ever being corrected.
    Safe to use from many threads; a measurement may be lost where two end at once.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last: tuple[tuple[float, float], ...] = ()

    @contextmanager
    def measured(self, work: float) -> Iterator[None]:
        """Take the time of the block as that of `work` units, which are more than 0; not where it raises."""
        started = self._clock()
        yield
        self.add(work, self._clock() - started)

    def add(self, work: float, seconds: float) -> None:
        """Remember one measurement."""
        self._last = (*self._last[1 - _REMEMBERED :], (self._clock(), seconds / work))

    def seconds(self, work: float) -> float | None:
        """What `work` units will take; None where nothing was measured of late."""
        oldest = self._clock() - _COUNTS_FOR_S
        last = sorted(rate for measured_at, rate in self._last if measured_at >= oldest)
        return last[int(_CAUTION * (len(last) - 1))] * work if last else None
