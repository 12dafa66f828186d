"""Index recall of real searches: some are repeated exactly, in the background, at low priority.

One thread checks one search at a time and then rests, so that it never takes more than its share of a core; searches
that come meanwhile pass by unchecked. B queries, D embedding, K hits.
"""

import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.agreement import agreement

WINDOW = 1_000
LOWEST_PRIORITY = 19
NORMAL_95 = 1.96


class Searched(NamedTuple):
    """One search that was answered."""

    collection: str
    index_version: str
    vectors_ND: NDArray[np.float32]
    query_D: NDArray[np.float32]
    row_K: NDArray[np.int64]
    own_row: int | None


@dataclass(frozen=True)
class Estimate:
    """Mean index recall of the last searches checked, with the ends of its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    n_searches: int


class LiveRecall:
    """Checks searches of all collections; `on_estimate` hears of a collection's estimate after every check."""

    def __init__(self, core_share: float, on_estimate: Callable[[str, Estimate], None]) -> None:
        """`core_share`: how much of one core checking may take; 0 checks nothing."""
        self._core_share = core_share
        self._on_estimate = on_estimate
        self._waiting: queue.Queue[Searched | None] = queue.Queue(maxsize=1)
        self._windows: dict[str, tuple[str, deque[float]]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-recall", daemon=True)

    def start(self) -> None:
        """Start to check."""
        if self._core_share > 0:
            self._thread.start()

    def stop(self) -> None:
        """End after the check under way; to be called off the event loop."""
        self._stopped.set()
        if self._thread.is_alive():
            self.offer(None)
            self._thread.join()

    @property
    def takes_one(self) -> bool:
        """Whether a search that is offered now would be checked."""
        return not self._waiting.full() and self._core_share > 0

    def offer(self, searched: Searched | None) -> None:
        """Have a search checked if none waits for it already; never blocks. None only wakes the thread."""
        try:
            self._waiting.put_nowait(searched)
        except queue.Full:
            return

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        while not self._stopped.is_set():
            searched = self._waiting.get()
            if searched is None:
                return
            start = time.thread_time()
            self._check(searched)
            self._stopped.wait((time.thread_time() - start) * (1 / self._core_share - 1))

    def _check(self, searched: Searched) -> None:
        version, window = self._windows.get(searched.collection, ("", deque[float]()))
        if version != searched.index_version:  # what another version found says nothing of this one
            window = deque(maxlen=WINDOW)
            self._windows[searched.collection] = (searched.index_version, window)
        window.append(agreement(searched.vectors_ND, searched.query_D, searched.row_K, searched.own_row))
        self._on_estimate(searched.collection, estimate(np.array(window)))


def estimate(recall_B: NDArray[np.float64]) -> Estimate:
    """The mean recall of searches and its 95 % confidence interval.

    Normal, by the spread among searches; where they all agree the spread says nothing, and the rule of three does:
    3 / n bounds a fault that n searches did not show (Hanley and Lippman-Hand, JAMA 1983).
    """
    n_searches = len(recall_B)
    mean = float(recall_B.mean())
    spread = float(recall_B.std(ddof=1)) if n_searches > 1 else 0.0
    half = max(NORMAL_95 * spread / math.sqrt(n_searches), 3 / n_searches)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n_searches)
