"""The OpenMP thread count of faiss, which belongs to each Python thread and not to the process.

A search uses one thread: many requests run side by side, and a second OpenMP thread only adds contention. A build may
use more.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


def use_one_thread() -> None:
    """Let faiss use one thread for what the calling thread does next; costs 0.2 us, so every search may call it."""
    faiss.omp_set_num_threads(1)


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let faiss use `count` threads for what the calling thread does in this block."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
