"""What a server process holds while it is loaded: memory, open files, threads; sampled from a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks.serving_parts.server import Server


@dataclass(frozen=True)
class Held:
    """What the process holds at one moment."""

    rss_mb: float
    open_files: int
    threads: int

    @classmethod
    def by(cls, server: Server) -> "Held":
        """What it holds now; sockets count as open files."""
        return cls(server.rss_mb(), server.process.num_fds(), server.process.num_threads())


@dataclass
class Peak:
    """The largest resident memory seen so far."""

    rss_mb: float


@contextmanager
def peak_of(server: Server, every_s: float = 0.25) -> Iterator[Peak]:
    """Watch the resident memory while the block runs."""
    peak, stop = Peak(server.rss_mb()), threading.Event()

    def watch() -> None:
        while not stop.wait(every_s):
            peak.rss_mb = max(peak.rss_mb, server.rss_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()


def slope(values: list[float]) -> float:
    """Growth from one value to the next, by the line of least squares."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])
