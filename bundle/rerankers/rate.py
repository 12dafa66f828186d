"""What a unit of work takes, as a running estimate: how a reranker knows beforehand what scoring will cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_REMEMBERED = 15
_CAUTION = 0.8


class WorkRate:
    """Seconds a unit of work: the 0.8 quantile of the last measurements.

    So a single slow one moves nothing, and where times vary, as on a busy machine, it is on the careful side.
    Safe to use from many threads; a measurement may be lost where two end at once.
    """

    def __init__(self) -> None:
        self._last: tuple[float, ...] = ()

    @contextmanager
    def measured(self, work: float) -> Iterator[None]:
        """Take the time of the block as that of `work` units, which are more than 0; not where it raises."""
        started = time.perf_counter()
        yield
        self.add(work, time.perf_counter() - started)

    def add(self, work: float, seconds: float) -> None:
        """Remember one measurement."""
        self._last = (*self._last[1 - _REMEMBERED :], seconds / work)

    def seconds(self, work: float) -> float | None:
        """What `work` units will take; None before the first measurement."""
        last = sorted(self._last)
        return last[int(_CAUTION * (len(last) - 1))] * work if last else None
