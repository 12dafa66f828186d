"""What serving costs: `POST search` with text features on 100,000 items against the same work in process, in one run.

The bound ("raw") is featurize + ONNX tower + FAISS on one thread with nothing around it. The server is one worker; load
comes from a second process. Server CPU is user + system time of the server's process tree.
"""

import argparse
import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy as np
import orjson
import psutil

from benchmarks.report import Row, write_benchmark
from benchmarks.serving_data import prepare, titles
from benchmarks.serving_load import Load, run_client
from bundle.files import replace_file
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.kinds import IndexKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.manifest import INDEX_FILE
from index.store import list_versions
from index.version import open_current

K = 10
SWAP_SECONDS = 0.8
KINDS: dict[str, IndexKind] = {"ivf-flat": IvfFlatKind(), "hnsw": HnswKind()}


@dataclass(frozen=True)
class Raw:
    """The bound: one query at a time on one thread."""

    cpu_us: float
    qps: float
    p50_ms: float


def measure_raw(collection: Collection, texts: Sequence[str], count: int) -> Raw:
    """Featurize, encode and search `count` queries in this process."""
    version = open_current(collection)
    bundle = open_bundle(collection, version.bundle_id)
    path = str(collection.index(version.version) / INDEX_FILE)
    index = faiss.read_index(path, faiss.IO_FLAG_MMAP_IFC)
    parameters = version.manifest.kind.parameters({})
    faiss.omp_set_num_threads(1)

    def one(text: str) -> None:
        index.search(bundle.query.embed([{"text": text}]), K, params=parameters)

    for text in texts[:200]:
        one(text)
    latencies, cpu, wall = [], time.process_time(), time.perf_counter()
    for i in range(count):
        started = time.perf_counter()
        one(texts[i % len(texts)])
        latencies.append(time.perf_counter() - started)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Raw(cpu / count * 1e6, count / wall, statistics.median(latencies) * 1e3)


@contextlib.contextmanager
def running_server(workspace: Path, port: int) -> Iterator[psutil.Process]:
    """A server process over `workspace`, ready; stopped afterwards."""
    config = workspace / "server.toml"
    config.write_text(f'workspace = "{workspace}"\n[server]\nport = {port}\n')
    code = f"from pathlib import Path; from service.server import serve; serve(Path({str(config)!r}))"
    with (workspace / "server.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", code], stderr=log)
        try:
            _wait_until_ready(process, port)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready; see server.log")


def measure_load(
    server: psutil.Process, port: int, path: str, bodies: Sequence[bytes], c: int, n: int
) -> tuple[Load, float]:
    """The client's view of `n` requests over `c` connections, and the server's CPU microseconds a request."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    client = multiprocessing.get_context("spawn").Process(target=run_client, args=(theirs, port, bodies, path, c, n))
    before = _cpu_seconds(server)
    client.start()
    load: Load = ours.recv()
    client.join()
    return load, (_cpu_seconds(server) - before) / len(load.latencies_s) * 1e6


def measure_swaps(
    server: psutil.Process, port: int, path: str, bodies: Sequence[bytes], collection: Collection, n: int
) -> list[tuple[str, float, str]]:
    """p99 while a version is published every 0.8 s against p99 without, in three pairs, and what failed meanwhile."""
    versions, stop = list_versions(collection), threading.Event()

    def publish() -> None:
        for turn in itertools.count(1):
            if stop.wait(SWAP_SECONDS):
                return
            replace_file(collection.current, f"{versions[turn % 2]}\n")

    loads, ratios, swaps_before = [], [], _swaps(port)
    for _ in range(3):
        quiet, _ = measure_load(server, port, path, bodies, 8, n)
        stop.clear()
        publisher = threading.Thread(target=publish)
        publisher.start()
        busy, _ = measure_load(server, port, path, bodies, 8, n)
        stop.set()
        publisher.join()
        loads.append(busy)
        ratios.append(_p99_ms(busy) / _p99_ms(quiet))
    return [
        ("p99_ms", statistics.mean(_p99_ms(load) for load in loads), "ms"),
        ("p99_ratio_to_quiet", statistics.mean(ratios), ""),
        ("swaps", _swaps(port) - swaps_before, ""),
        ("failed", float(sum(_failed(load) for load in loads)), ""),
    ]


def _swaps(port: int) -> float:
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    match = re.search(r'^tandem_swaps_total{collection="bench"} (\S+)$', text, re.MULTILINE)
    return float(match[1]) if match else 0.0


def _failed(load: Load) -> int:
    return sum(count for status, count in load.statuses.items() if status != 200)


def _p99_ms(load: Load) -> float:
    return sorted(load.latencies_s)[int(0.99 * len(load.latencies_s))] * 1e3


def _cpu_seconds(process: psutil.Process) -> float:
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def measure(root: Path, kind: str, arguments: argparse.Namespace) -> list[Row]:
    """All rows of one index kind; the bound is measured before and after, and its mean taken."""
    collection = prepare(root / kind, "bench", arguments.items, arguments.dimension, KINDS[kind])
    texts = titles(2000, seed=2)
    bodies = [orjson.dumps({"queries": [{"text": text}], "k": K}) for text in texts]
    task, path = f"search-text-{arguments.items}-{kind}", "/v1/collections/bench/search"
    raws = [measure_raw(collection, texts, arguments.requests)]
    rows = []
    with running_server(root / kind, arguments.port) as server:
        measure_load(server, arguments.port, path, bodies, 8, 500)
        loads = {c: measure_load(server, arguments.port, path, bodies, c, arguments.requests) for c in (1, 8, 32)}
        rss_mb = server.memory_info().rss / 1e6
        swaps = measure_swaps(server, arguments.port, path, bodies, collection, arguments.requests)
    raws.append(measure_raw(collection, texts, arguments.requests))
    raw = Raw(*(float(np.mean(values)) for values in zip(*[(r.cpu_us, r.qps, r.p50_ms) for r in raws], strict=True)))
    rows += [
        Row(task, "raw", "cpu_us", raw.cpu_us, unit="us"),
        Row(task, "raw", "qps", raw.qps, unit="1/s"),
        Row(task, "raw", "p50_ms", raw.p50_ms, unit="ms"),
    ]
    for c, (load, cpu_us) in loads.items():
        method, latencies = f"http-c{c}", load.latencies_s
        qps, p50_ms = len(latencies) / load.seconds, statistics.median(latencies) * 1e3
        rows += [
            Row(task, method, "cpu_us", cpu_us, unit="us"),
            Row(task, method, "qps", qps, unit="1/s"),
            Row(task, method, "p50_ms", p50_ms, unit="ms"),
            Row(task, method, "p99_ms", _p99_ms(load), unit="ms"),
            Row(task, method, "cpu_ratio_to_raw", cpu_us / raw.cpu_us),
            Row(task, method, "failed", _failed(load)),
            Row(task, method, "qps_ratio_to_raw", qps / raw.qps),
            Row(task, method, "p50_ratio_to_raw", p50_ms / raw.p50_ms),
        ]
    rows.append(Row(task, "http-c8", "rss_mb", rss_mb, unit="MB"))
    return [*rows, *(Row(task, "http-c8-swapping", metric, value, unit=unit) for metric, value, unit in swaps)]


def _mean(rows: Sequence[Row]) -> Row:
    """One row of several runs: mean, and standard deviation when there are several."""
    values = [row.value for row in rows]
    spread = statistics.pstdev(values) if len(values) > 1 else None
    return dataclasses.replace(rows[0], value=statistics.mean(values), spread=spread, seeds=len(values))


def main() -> None:
    """Measure and write docs/benchmarks/serving.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder to keep the generated collection in")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=sorted(KINDS))
    parser.add_argument("--port", type=int, default=18_080)
    parser.add_argument("--seeds", type=int, default=1, help="runs, whose means are written")
    parser.add_argument("--quick", action="store_true", help="2,000 requests and one kind")
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.requests, arguments.kinds = 2000, ["ivf-flat"]
    with contextlib.ExitStack() as stack:
        root = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = [
            [row for kind in arguments.kinds for row in measure(root.resolve(), kind, arguments)]
            for _ in range(arguments.seeds)
        ]
    rows = [_mean(same) for same in zip(*runs, strict=True)]
    for row in rows:
        print(f"{row.task:32} {row.method:9} {row.metric:18} {row.value:10.3f} {row.unit}")
    if not arguments.dry:
        write_benchmark("serving", rows, f"{__doc__}\n{arguments.items:,} items x {arguments.dimension}, k = {K}.")


if __name__ == "__main__":
    main()
