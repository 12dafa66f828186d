"""Index versions swapped under load: what fails, what is mixed, and what the others wait."""

import base64
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.serving_parts.load import Answers, ClosedLoop, in_client
from benchmarks.serving_parts.open_loop import OpenLoop
from benchmarks.serving_parts.server import Server, percentile, serving
from benchmarks.serving_parts.vector_collection import SEARCH_PATH, queries, vector_collection
from benchmarks.serving_parts.watch import peak_of
from bundle.files import replace_file
from bundle.workspace import Collection
from index.store import list_versions

K, DIMENSION, CONNECTIONS, CLOSED = 10, 128, 64, 8
PREFIXES = ("item", "twin")
SLOW_S, FAST_S, PAIRS = 10.0, 0.8, 3
# After the first answer of the new version: the old one is closed, pages of the new one are still read.
AFTERMATH_S = 0.5
MIXED = -1


@dataclass(frozen=True)
class WhichVersion:
    """Says by its place, from 1, which version gave an answer: its name and the prefix of all ids must agree."""

    versions: tuple[bytes, ...]
    prefixes: tuple[bytes, ...]
    k: int

    def __call__(self, body: bytes) -> int:
        """The version, or MIXED."""
        for place, (version, prefix) in enumerate(zip(self.versions, self.prefixes, strict=True), 1):
            if b'"index_version":"%b"' % version in body:
                own, all_ids = body.count(b'"item_id":"%b-' % prefix), body.count(b'"item_id":"')
                return place if own == all_ids == self.k else MIXED
        return MIXED


def measure(budget: Budget) -> list[Row]:
    """Swaps every 10 s under half of what the service can do, and every 0.8 s under all of it."""
    count, seconds, every_s, n_requests = (10_000, 9.0, 3.0, 500) if budget.quick else (100_000, 120.0, SLOW_S, 8_000)
    collection = vector_collection(budget.cache, count, DIMENSION, PREFIXES)
    with serving(collection.folder.parents[1]) as server:
        requests = server.requests(SEARCH_PATH, bodies())
        server.closed_loop(requests, CLOSED, n_requests)
        found = {
            "half-load-every-10-s": _half_load(server, requests, collection, seconds, every_s),
            "full-load-every-0.8-s": _full_load(server, requests, collection, n_requests),
        }
    units = {"_ms": "ms", "_mb": "MB"}
    return [
        Row(f"swaps-{count}-hnsw", method, name, value, unit=units.get(name[-3:], ""))
        for method, values in found.items()
        for name, value in values.items()
    ]


def _half_load(
    server: Server, requests: Sequence[bytes], collection: Collection, seconds: float, every_s: float
) -> dict[str, float]:
    capacity = server.closed_loop(requests, 32, 3_000)[0].qps
    look, before_mb = which_version(collection), server.rss_mb()
    load = OpenLoop(server.port, requests, capacity / 2, seconds, CONNECTIONS, 1, look)
    with peak_of(server) as peak, publishing(collection, every_s) as published_s:
        answers = in_client(load)
    swapping_s, steady_s = split_by_swaps(answers, windows(answers, published_s))
    return {
        "requests": len(answers.status),
        "swaps": len(windows(answers, published_s)),
        "failed": answers.failed,
        "mixed": _mixed(answers),
        **_compared(swapping_s, steady_s),
        "swap_ms": statistics.median(end - AFTERMATH_S - start for start, end in windows(answers, published_s)) * 1e3,
        "rss_before_mb": before_mb,
        "rss_peak_mb": peak.rss_mb,
    }


def _full_load(server: Server, requests: Sequence[bytes], collection: Collection, count: int) -> dict[str, float]:
    """Pairs of a run without swaps and one with them."""
    look, swaps_before = which_version(collection), server.metric("tandem_swaps_total")
    load = ClosedLoop(server.port, requests, CLOSED, count, look)
    pairs = []
    for _ in range(PAIRS):
        steady = in_client(load)
        with publishing(collection, FAST_S):
            pairs.append((steady, in_client(load)))
    both = [answers for pair in pairs for answers in pair]
    compared = [_compared(swapping.latency_s, steady.latency_s) for steady, swapping in pairs]
    return {
        "requests": sum(len(answers.status) for answers in both),
        "swaps": server.metric("tandem_swaps_total") - swaps_before,
        "failed": sum(answers.failed for answers in both),
        "mixed": sum(_mixed(answers) for answers in both),
        **{name: statistics.median(one[name] for one in compared) for name in compared[0]},
    }


def _compared(swapping_s: Sequence[float], steady_s: Sequence[float]) -> dict[str, float]:
    swapping, steady = percentile(swapping_s, 0.99), percentile(steady_s, 0.99)
    return {
        "p99_steady_ms": steady * 1e3,
        "p99_swapping_ms": swapping * 1e3,
        "max_swapping_ms": max(swapping_s) * 1e3,
        "p99_ratio_to_steady": swapping / steady,
    }


@contextmanager
def publishing(collection: Collection, every_s: float) -> Iterator[list[float]]:
    """Makes the versions active in turn while the block runs; the times of `time.monotonic` at which it did."""
    versions, stop = list_versions(collection), threading.Event()
    times: list[float] = []

    def publish() -> None:
        while not stop.wait(every_s):
            active = collection.current.read_text().strip()
            following = versions[(versions.index(active) + 1) % len(versions)]
            times.append(time.monotonic())
            replace_file(collection.current, f"{following}\n")

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        yield times
    finally:
        stop.set()
        publisher.join()


def which_version(collection: Collection) -> WhichVersion:
    """What looks into the answers of this collection."""
    versions = tuple(version.encode() for version in list_versions(collection))
    return WhichVersion(versions, tuple(prefix.encode() for prefix in PREFIXES), K)


def windows(answers: Answers, published_s: Sequence[float]) -> list[tuple[float, float]]:
    """From each publication to half a second after the first answer of the version that it made active.

    A publication that no answer followed before the end is left out.
    """
    arrived = sorted(
        (s + took, note) for s, took, note in zip(answers.sent_s, answers.latency_s, answers.note, strict=True)
    )
    found = []
    for start in published_s:
        before = next((note for s, note in reversed(arrived) if s < start), None)
        after = next((s for s, note in arrived if s >= start and note not in (before, MIXED, 0)), None)
        if after is not None:
            found.append((start, after + AFTERMATH_S))
    return found


def split_by_swaps(answers: Answers, swaps: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Latencies of the requests that were under way in one of the windows, and of all others."""
    within: list[float] = []
    outside: list[float] = []
    for sent, took in zip(answers.sent_s, answers.latency_s, strict=True):
        is_within = any(sent <= end and sent + took >= start for start, end in swaps)
        (within if is_within else outside).append(took)
    return within, outside


def _mixed(answers: Answers) -> int:
    return sum(note == MIXED for note, status in zip(answers.note, answers.status, strict=True) if status == 200)


def bodies() -> list[bytes]:
    """Requests of one vector each, in base64."""
    texts = [base64.b64encode(query.tobytes()).decode() for query in queries(DIMENSION)]
    return [orjson.dumps({"vectors": [text], "k": K}) for text in texts]


SWAPS = Part(
    """
    Two index versions of the same 100,000 vectors of 128 numbers whose item ids differ in every item, made active in
    turn, `CURRENT` replaced as `tandem index activate` does it; the service hashes, maps and warms each anew. One
    base64 vector a request. `half-load-every-10-s`: requests arrive as a Poisson process at half the rate of a closed
    loop over 32 connections, for two minutes; `swapping` are those under way between a publication and half a second
    after the first answer of the new version, `steady` all others; `swap` is the median from publication to that
    answer, of which up to half a second is the time until the service looks. `full-load-every-0.8-s`: 8 connections,
    each sending its next request once the last is answered; medians over 3 pairs of a run without swaps and one with
    them. `mixed`: answers whose ids are not all of the version that the answer names. Targets: no failed and no mixed
    answer, and a p99 at most twice the steady one.
    """,
    measure,
)
