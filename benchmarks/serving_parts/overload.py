"""Four times what the service can answer, arriving by itself: who is refused, how soon, and what the rest wait."""

import base64
import statistics
import time
from dataclasses import dataclass

import orjson

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.serving_parts.load import Answers, in_client, post
from benchmarks.serving_parts.open_loop import OpenLoop
from benchmarks.serving_parts.server import Server, percentile, serving
from benchmarks.serving_parts.vector_collection import SEARCH_PATH, queries, vector_collection
from benchmarks.serving_parts.watch import peak_of

K, BATCH, TIMES = 10, 16, 4
# Of batches of 16 a two-core machine answers some hundred a second: few enough that the generator needs a small part
# of a core for four times as many.
CONNECTIONS, CLOSED = 256, 32
SETTLE_S = 2.0
OK, REFUSED, EXPIRED = 200, 429, 504


@dataclass(frozen=True)
class Policy:
    """How the wait is bounded: by what may wait, or by how long a caller does."""

    max_pending_records: int
    timeout_ms: int


POLICIES = {"queue-512-deadline-500-ms": Policy(512, 500), "queue-2048-deadline-100-ms": Policy(2_048, 100)}


def measure(budget: Budget) -> list[Row]:
    """All rows of both policies."""
    count, seconds = (10_000, 6.0) if budget.quick else (100_000, 60.0)
    collection = vector_collection(budget.cache, count, 128)
    rows = []
    for name, policy in POLICIES.items():
        settings = {"batching": {"max_pending_records": policy.max_pending_records}}
        with serving(collection.folder.parents[1], settings) as server:
            found = _overload(server, policy, seconds)
        units = {key: _unit(key) for key in found}
        rows += [Row(f"overload-{TIMES}x", name, key, value, unit=units[key]) for key, value in found.items()]
    return rows


def _unit(name: str) -> str:
    return next(
        (unit for end, unit in (("_ms", "ms"), ("_mb", "MB"), ("_per_s", "1/s"), ("_s", "s")) if name.endswith(end)), ""
    )


def _overload(server: Server, policy: Policy, seconds: float) -> dict[str, float]:
    plain = server.requests(SEARCH_PATH, bodies())
    hasty = [post(SEARCH_PATH, body, server.key, x_request_timeout_ms=str(policy.timeout_ms)) for body in bodies()]
    capacity, alone_s = _steady(server, plain)
    rss_before = server.rss_mb()
    load = OpenLoop(server.port, hasty, TIMES * capacity, seconds, CONNECTIONS, seed=1)
    cpu_before = server.cpu_s()
    with peak_of(server) as peak:
        answers = in_client(load)
    cpu_s = server.cpu_s() - cpu_before
    time.sleep(0.2)
    after, _ = _steady(server, plain)
    time.sleep(SETTLE_S)
    # What waits at most, at the rate at which it was answered; or what the caller said.
    bound_s = min(policy.max_pending_records / (answers.qps * BATCH), policy.timeout_ms / 1000) + alone_s
    return {
        "capacity_per_s": capacity,
        "offered_per_s": len(answers.status) / seconds,
        "answered_per_s": answers.qps,
        "answered_ratio_to_capacity": answers.qps / capacity,
        "behind_s": answers.wall_s - seconds,
        **shares(answers),
        **refusals(answers),
        "accepted_p50_ms": statistics.median(answers.latencies_of(OK)) * 1e3,
        "accepted_p99_ms": percentile(answers.latencies_of(OK), 0.99) * 1e3,
        "bound_ms": bound_s * 1e3,
        "accepted_p99_ratio_to_bound": percentile(answers.latencies_of(OK), 0.99) / bound_s,
        "rss_before_mb": rss_before,
        "rss_peak_mb": peak.rss_mb,
        "rss_after_mb": server.rss_mb(),
        "capacity_after_ratio": after / capacity,
        "server_cores": cpu_s / answers.wall_s,
        "server_cpu_us_a_request": cpu_s / len(answers.status) * 1e6,
        "generator_cores": answers.cpu_s / answers.wall_s,
        "generator_late_p99_ms": percentile(answers.late_s, 0.99) * 1e3,
    }


def shares(answers: Answers) -> dict[str, float]:
    """Shares of what was answered, refused, expired, and anything else, which should not be."""
    found = {
        name: answers.share_of(status) for name, status in (("ok", OK), ("refused", REFUSED), ("expired", EXPIRED))
    }
    return {
        **{f"share_{name}": share for name, share in found.items()},
        "share_other": max(0.0, 1 - sum(found.values())),
    }


def refusals(answers: Answers) -> dict[str, float]:
    """How soon 429 came; nothing where nobody was refused."""
    refused_s = answers.latencies_of(REFUSED)
    if not refused_s:
        return {}
    return {
        "refused_p50_ms": statistics.median(refused_s) * 1e3,
        "refused_p99_ms": percentile(refused_s, 0.99) * 1e3,
        "refused_max_ms": max(refused_s) * 1e3,
        "refused_within_50_share": sum(s <= 0.05 for s in refused_s) / len(refused_s),
    }


def _steady(server: Server, requests: list[bytes]) -> tuple[float, float]:
    """Requests a second of a closed loop, and the seconds of one request alone."""
    server.closed_loop(requests, CLOSED, 200)
    busy, _ = server.closed_loop(requests, CLOSED, 1_500)
    alone, _ = server.closed_loop(requests, 1, 100)
    return busy.qps, statistics.median(alone.latency_s)


def bodies() -> list[bytes]:
    """Requests of 16 vectors each, in base64."""
    texts = [base64.b64encode(query.tobytes()).decode() for query in queries(128)]
    starts = range(0, len(texts) - BATCH + 1, BATCH)
    return [orjson.dumps({"vectors": texts[start : start + BATCH], "k": K}) for start in starts]


OVERLOAD = Part(
    """
    The 100,000 vectors of 128 numbers, 16 base64 vectors a request. `capacity`: requests a second of a closed loop over
    32 connections. Then requests arrive for 60 s as a Poisson process of four times that rate, from one process over
    256 connections kept alive, each with one request under way; an arrival that finds none free waits, which
    `generator_late_p99` shows together with what the generator itself was late. It takes `generator_cores` of the two
    cores that it shares with the server, and the capacity was measured beside a client as well; where `server_cores` is
    far below what the closed loop took, other work on the machine was measured. `queue-512-deadline-500-ms`:
    `batching.max_pending_records` = 512, so that 32 requests wait at most, which takes less than the
    `X-Request-Timeout-Ms: 500` that callers send; `queue-2048-deadline-100-ms`: the default of 2048 and callers whose
    100 ms are shorter than that queue, of whom whoever is let in may expire in it. `bound`: the records that may wait
    at the rate at which they were answered, or the deadline if that is shorter, and the latency of one request alone.
    `behind`: seconds from the last arrival to the last answer. Targets: every refusal within 50 ms, the p99 of the
    accepted within the bound, memory flat, capacity afterwards as before.
    """,
    measure,
)
