"""Builds and searches one index in a process of its own, so that its CPU time and peak memory are its own.

N corpus, Q queries, D embedding, K hits.
"""

import multiprocessing
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from index.corpus import Corpus
from index.device import CpuIndex
from index.kinds import IndexKind
from index.searcher import RowSearcher
from index.threads import use_threads

FloatArray = NDArray[np.float32]
ResultT = TypeVar("ResultT")
STATUS = Path("/proc/self/status")
PERIOD_S = 0.02


@dataclass(frozen=True)
class Built:
    """What a build took; `peak_bytes` is allocated memory at most, mapped files not counted."""

    cpu_s: float
    file_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Searched:
    """What queries got and took, one after the other on one thread; `swap_bytes` is what a second opening allocates."""

    scores_QK: FloatArray
    cpu_us_per_query: float
    swap_bytes: int


def build(kind: IndexKind, vectors: Path, index: Path) -> Built:
    """Build the resolved kind over the vectors in a .npy file and write it to `index`."""
    return _in_a_process(_build, kind, vectors, index)


def search(kinds: Sequence[IndexKind], vectors: Path, index: Path, queries_QD: FloatArray, k: int) -> list[Searched]:
    """Open the index as a version does, mapped, search it with each kind's parameters, and open it once more."""
    return _in_a_process(_search, kinds, vectors, index, queries_QD, k)


def _build(kind: IndexKind, vectors: Path, index: Path) -> Built:
    vectors_ND = np.load(vectors, mmap_mode="r")
    with _peak() as peak, use_threads(1):
        before = time.process_time()
        faiss.write_index(kind.build(Corpus(vectors_ND), 0), str(index))
        cpu_s = time.process_time() - before
    return Built(cpu_s, index.stat().st_size, peak[0])


def _search(kinds: Sequence[IndexKind], vectors: Path, index: Path, queries_QD: FloatArray, k: int) -> list[Searched]:
    return [_search_with(kind, vectors, index, queries_QD, k) for kind in kinds]


def _search_with(kind: IndexKind, vectors: Path, index: Path, queries_QD: FloatArray, k: int) -> Searched:
    served = _open(kind, vectors, index)
    served.search(queries_QD, k)  # every page that is touched is in memory, as in a version that has served a while
    before = time.thread_time()
    scores = [served.search(query_1D, k)[0] for query_1D in queries_QD[:, None]]
    cpu_us = (time.thread_time() - before) / len(queries_QD) * 1e6
    with _peak() as peak:
        _open(kind, vectors, index).search(queries_QD, k)
        served.close()
    return Searched(np.concatenate(scores), cpu_us, peak[0])


def _open(kind: IndexKind, vectors: Path, index: Path) -> RowSearcher:
    mapped = faiss.read_index(str(index), faiss.IO_FLAG_MMAP_IFC)
    return RowSearcher(CpuIndex(mapped), kind, np.load(vectors, mmap_mode="r"))


@contextmanager
def _peak() -> Iterator[list[int]]:
    """A list that gets, when the block ends, what the process allocated in it at most, in bytes, over what it had."""
    started, stop, found = _allocated(), threading.Event(), [0]

    def watch() -> None:
        while not stop.wait(PERIOD_S):
            found[0] = max(found[0], _allocated() - started)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        found[0] = max(found[0], _allocated() - started)
        stop.set()
        watcher.join()


def _allocated() -> int:
    told = re.search(r"RssAnon:\s+(\d+)", STATUS.read_text()) if STATUS.exists() else None
    return 1024 * int(told[1]) if told else 0


def _in_a_process(work: Callable[..., ResultT], *arguments: object) -> ResultT:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
