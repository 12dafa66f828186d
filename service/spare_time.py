"""Work that may wait or be left out: one thread at the lowest priority, within a share of one core."""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

LOWEST_PRIORITY = 19
ItemT = TypeVar("ItemT")


class SpareTime(Generic[ItemT]):
    """Does one piece of work at a time and then rests, so that it never takes more than its share of a core.

    What is offered while `capacity` pieces wait passes by undone. `core_share` may be set at any time.
    """

    def __init__(self, name: str, core_share: float, work: Callable[[ItemT], None], capacity: int = 1) -> None:
        """`work` runs in the thread; `core_share` is how much of one core it may take, and 0 takes nothing."""
        self.core_share = core_share
        self._work = work
        self._waiting: queue.Queue[ItemT | None] = queue.Queue(maxsize=capacity)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start to work."""
        self._thread.start()

    def stop(self) -> None:
        """End after the piece under way; what waits is left undone. To be called off the event loop."""
        self._stopped.set()
        if self._thread.is_alive():
            self._put(None)
            self._thread.join()

    @property
    def takes_one(self) -> bool:
        """Whether a piece that is offered now would be done."""
        return not self._waiting.full() and self.core_share > 0

    @property
    def is_busy(self) -> bool:
        """Whether work waits."""
        return not self._waiting.empty()

    def offer(self, item: ItemT) -> bool:
        """Have a piece of work done if there is room for it, and say whether; never blocks."""
        return self.core_share > 0 and self._put(item)

    def _put(self, item: ItemT | None) -> bool:
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        while (item := self._waiting.get()) is not None and not self._stopped.is_set():
            start = time.thread_time()
            self._work(item)
            spent = time.thread_time() - start
            share = self.core_share
            self._stopped.wait(spent * (1 / share - 1) if share > 0 else 0)
