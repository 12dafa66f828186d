"""Search on a GPU against the same machine's CPU: queries a second by batch size, recall, memory, build.

Q queries, B batch, D embedding, K hits.

python -m benchmarks.gpu_index [--quick]
"""

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.index_parts.clustered import Mixture
from benchmarks.index_parts.kinds import kth_scores, recall
from benchmarks.report import Row, write_benchmark
from index.corpus import Corpus
from index.device import CpuIndex, Found, check_gpu, place
from index.errors import DeviceUnavailable
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.searcher import RowSearcher
from index.threads import use_threads

FloatArray = NDArray[np.float32]
K, BATCHES, LEAST_SECONDS = 10, (1, 64, 4_096), 2.0
KINDS: dict[str, IndexKind] = {
    "flat": FlatKind(),
    "ivf-flat": IvfFlatKind(nprobe=32),
    "ivf-pq": IvfPqKind(nprobe=32, refine=10),
}
PREAMBLE = """
Clustered vectors as in `index.md`, held-back queries, k 10. An index is built on the CPU with all cores, as the product
builds it (`build_s`, wall time), and searched there and on the GPU through the product's searcher, so that codes are
refined on the CPU in both. `qps_batch_<n>`: queries a second in calls of n, one call after the other; the CPU splits a
call over all cores. `ratio_to_cpu_batch_<n>`: GPU over CPU. `scan_gb_per_s`: bytes of all vectors times the queries a
second of single calls, for flat, which reads every vector for each; over the memory bandwidth in the card's data sheet
it is the share of what is possible. `memory_mib`: what the driver says that this index takes, with faiss's scratch
memory in the first of them.
"""


@dataclass(frozen=True)
class Size:
    """One corpus."""

    name: str
    count: int
    dimension: int


SIZES = (Size("clustered-10m-128", 10_000_000, 128), Size("clustered-1m-768", 1_000_000, 768))
QUICK = (Size("clustered-100k-128", 100_000, 128),)


def measure(size: Size) -> list[Row]:
    """All rows of one corpus."""
    mixture = Mixture(size.dimension)
    vectors_ND, queries_QD = mixture.draw(size.count, 1), mixture.draw(max(BATCHES), 2)
    with use_threads(os.cpu_count() or 1):
        kth_Q = kth_scores(vectors_ND, queries_QD)
    rows = []
    for name, asked in KINDS.items():
        kind, started = asked.resolve(Corpus(vectors_ND)), time.perf_counter()
        with use_threads(os.cpu_count() or 1):
            index = kind.build(Corpus(vectors_ND), 0)
        build_s = time.perf_counter() - started
        cpu = speeds(RowSearcher(AllCores(index), kind, vectors_ND).search, queries_QD)
        before = _memory_mib()
        searcher = RowSearcher(place(index, kind, "cuda"), kind, vectors_ND)
        memory_mib = _memory_mib() - before
        gpu = speeds(searcher.search, queries_QD)
        values = {
            "recall@10": recall(searcher.search(queries_QD, K)[0], kth_Q),
            **{f"qps_batch_{batch}": gpu[batch] for batch in BATCHES},
            **{f"ratio_to_cpu_batch_{batch}": gpu[batch] / cpu[batch] for batch in BATCHES},
            "memory_mib": memory_mib,
            "build_s": build_s,
        }
        if name == "flat":
            values["scan_gb_per_s"] = vectors_ND.nbytes * gpu[1] / 1e9
        rows += [Row(size.name, f"{name}-gpu", metric, value) for metric, value in values.items()]
        rows += [Row(size.name, f"{name}-cpu", f"qps_batch_{batch}", cpu[batch]) for batch in BATCHES]
        searcher.close()
    return rows


class AllCores(CpuIndex):
    """A CPU index at its best for a benchmark: each call is split over all cores."""

    def __init__(self, index: faiss.Index) -> None:
        super().__init__(index)
        self._whole = index

    def search(self, query_BD: FloatArray, k: int, params: faiss.SearchParameters | None) -> Found:
        """Scores and rows, both [B, K], best first; row -1 pads."""
        with use_threads(os.cpu_count() or 1):
            scores_BK, rows_BK = self._whole.search(query_BD, k, params=params)
        return scores_BK, rows_BK


def speeds(search: Callable[[FloatArray, int], object], queries_QD: FloatArray) -> dict[int, float]:
    """Queries a second by batch size, each over two seconds at least."""
    return {batch: _speed(search, queries_QD, batch) for batch in BATCHES}


def _speed(search: Callable[[FloatArray, int], object], queries_QD: FloatArray, batch: int) -> float:
    search(queries_QD[:batch], K)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < LEAST_SECONDS:
        first = done % (len(queries_QD) - batch + 1)
        search(queries_QD[first : first + batch], K)
        done += batch
    return done / (time.perf_counter() - started)


def _memory_mib() -> float:
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(sum(int(line) for line in told.split()))


def main() -> None:
    """Measure and write docs/benchmarks/gpu-index.json and .md; without a GPU say so and write nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small corpus, nothing written")
    arguments = parser.parse_args()
    try:
        check_gpu()
    except DeviceUnavailable as error:
        print(f"nothing measured: {error}")
        return
    rows = [row for size in (QUICK if arguments.quick else SIZES) for row in measure(size)]
    if arguments.quick:
        for row in rows:
            print(f"{row.task:<24} {row.method:<14} {row.metric:<24} {row.value:,.4f}")
    else:
        print(f"wrote {write_benchmark('gpu-index', rows, PREAMBLE)}")


if __name__ == "__main__":
    main()
