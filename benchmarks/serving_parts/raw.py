"""The bound: the same work in this process, one query at a time on one thread, with nothing around it.

D embedding, K hits.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss

from bundle.workspace import Collection
from index.kinds import IndexKind
from index.manifest import INDEX_FILE, read_index_manifest
from index.store import current

_WARM_UP = 200


@dataclass(frozen=True)
class Raw:
    """What one call costs; means of medians where it was measured more than once."""

    cpu_us: float
    qps: float
    p50_ms: float

    @classmethod
    def mean(cls, several: Sequence["Raw"]) -> "Raw":
        """The mean of measurements before and after."""
        means = [
            statistics.fmean(values) for values in zip(*[(r.cpu_us, r.qps, r.p50_ms) for r in several], strict=True)
        ]
        return cls(*means)

    def values(self) -> dict[str, float]:
        """As measures of a table."""
        return {"cpu_us": self.cpu_us, "qps": self.qps, "p50_ms": self.p50_ms}


def measure_raw(one: Callable[[int], object], count: int) -> Raw:
    """Call `one` with 0 to count - 1, after a warm-up."""
    faiss.omp_set_num_threads(1)
    for turn in range(min(count, _WARM_UP)):
        one(turn)
    latencies, cpu, wall = [], time.process_time(), time.perf_counter()
    for turn in range(count):
        started = time.perf_counter()
        one(turn)
        latencies.append(time.perf_counter() - started)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Raw(cpu / count * 1e6, count / wall, statistics.median(latencies) * 1e3)


def open_index(collection: Collection) -> tuple[faiss.Index, IndexKind]:
    """The index of the active version, mapped as a server maps it, and its kind at the setting of the manifest."""
    version = current(collection)
    if version is None:
        raise RuntimeError(f"collection '{collection.name}' has no active index version")
    folder = collection.index(version)
    return faiss.read_index(str(folder / INDEX_FILE), faiss.IO_FLAG_MMAP_IFC), read_index_manifest(folder).kind
