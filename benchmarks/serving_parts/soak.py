"""Half of what the service can do, for as long as it is told: what grows."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.serving_parts.load import in_client
from benchmarks.serving_parts.open_loop import OpenLoop
from benchmarks.serving_parts.server import Server, milliseconds, serving
from benchmarks.serving_parts.swaps import bodies as base64_bodies
from benchmarks.serving_parts.vector_collection import SEARCH_PATH, queries, vector_collection
from benchmarks.serving_parts.watch import Held, slope

K, DIMENSION, CONNECTIONS = 10, 128, 64
WARM_UP_SHARE, WARM_UP_MINUTES = 0.2, 5
OPTION = "soak_minutes"


@dataclass(frozen=True)
class Minute:
    """What was seen in one minute, and what the process held at its end, while connections were closed."""

    held: Held
    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


def measure(budget: Budget) -> list[Row]:
    """The first and last minutes and what grew between them; no rows where no minutes are asked for."""
    minutes = int(budget.options.get(OPTION, 0))
    if minutes < 1:
        print("left out soak: it runs for as long as --soak-minutes says", file=sys.stderr)
        return []
    count, seconds = (10_000, 2.0) if budget.quick else (100_000, 60.0)
    collection = vector_collection(budget.cache, count, DIMENSION)
    with serving(collection.folder.parents[1]) as server:
        seen = _soak(server, minutes, seconds)
    (collection.folder.parents[1] / "server.log").unlink()  # hundreds of megabytes
    return rows_of_minutes(f"soak-{count}-hnsw", seen)


def _soak(server: Server, minutes: int, seconds: float) -> list[Minute]:
    requests = server.requests(SEARCH_PATH, mixed_bodies())
    server.closed_loop(requests, 8, 2_000)
    rate = server.closed_loop(requests, 32, 4_000)[0].qps / 2
    seen = []
    for minute in range(minutes):
        answers = in_client(OpenLoop(server.port, requests, rate, seconds, CONNECTIONS, minute))
        held = Held.by(server)
        seen.append(Minute(held, len(answers.status), answers.failed, **milliseconds(answers.latency_s)))
        told = f"{held.rss_mb:.1f} MB, {held.open_files} files, {held.threads} threads, {answers.failed} failed"
        print(f"minute {minute + 1:>3}: {told}, p99 {seen[-1].p99_ms:.1f} ms", file=sys.stderr, flush=True)
    return seen


def mixed_bodies() -> list[bytes]:
    """Vectors in base64 and as numbers, items, filters and rescoring, one after the other."""
    encoded, numbers = base64_bodies(), queries(DIMENSION).tolist()
    random = np.random.default_rng(0)
    found: list[bytes] = []
    for place in range(0, len(encoded), 4):
        item_ids = [f"item-{row:06d}" for row in random.integers(0, 10_000, 4)]
        found += [
            encoded[place],
            orjson.dumps({"vectors": [numbers[place + 1]], "k": K, "with": ["vector"]}),
            orjson.dumps({"item_ids": item_ids, "k": K, "filter": {"must_not": [{"has_id": item_ids}]}}),
            orjson.dumps({"vectors": [numbers[place + 3]], "k": 100, "rerank": "exact"}),
        ]
    return found


def rows_of_minutes(task: str, seen: Sequence[Minute]) -> list[Row]:
    """First, last, growth an hour: after a warm-up of 5 minutes, or of a fifth where that is less."""
    warm = seen[min(WARM_UP_MINUTES, int(len(seen) * WARM_UP_SHARE)) :]
    rss = [minute.held.rss_mb for minute in warm]
    found = {
        "minutes": (len(seen), ""),
        "requests": (sum(minute.requests for minute in seen), ""),
        "failed": (sum(minute.failed for minute in seen), ""),
        "rss_first_mb": (rss[0], "MB"),
        "rss_last_mb": (rss[-1], "MB"),
        "rss_slope_mb_an_hour": (60 * slope(rss) if len(rss) > 1 else 0.0, "MB/h"),
        "open_files_first": (warm[0].held.open_files, ""),
        "open_files_last": (warm[-1].held.open_files, ""),
        "threads_first": (warm[0].held.threads, ""),
        "threads_last": (warm[-1].held.threads, ""),
        "p50_first_ms": (warm[0].p50_ms, "ms"),
        "p50_last_ms": (warm[-1].p50_ms, "ms"),
        "p99_first_ms": (warm[0].p99_ms, "ms"),
        "p99_last_ms": (warm[-1].p99_ms, "ms"),
        "p99_median_ms": (statistics.median(minute.p99_ms for minute in warm), "ms"),
    }
    return [Row(task, "half-load", name, value, unit=unit) for name, (value, unit) in found.items()]


SOAK = Part(
    """
    With `--soak-minutes`: searches by vectors (base64, numbers, with the vectors of the hits, rescored) and by items
    under a filter, arriving as a Poisson process at half the rate of a closed loop over 32 connections, minute by
    minute over 64 new connections. Memory, open files and threads of the server are read between the minutes. `first`
    is the first minute after a warm-up of five (a fifth where there are fewer), `last` the last; `rss_slope` is the
    line of least squares through all of them. The log of every request goes to a file.
    """,
    measure,
)
