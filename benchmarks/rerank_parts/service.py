"""What reranking costs through HTTP beside its ONNX graph alone, and whether a budget is kept. M items of a query."""

import http.client
import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.rerank_parts.served_collection import MAX_TOKENS, NAME, ServedPackages, prepare
from benchmarks.serving_parts.server import Server, serving
from bundle.columns import batches_of_like_length
from bundle.rerankers.cross_encoder import PARTS, TOKENS
from bundle.session import OnnxSession, SessionConfig
from bundle.store import RERANKER, TOKENIZERS
from bundle.tokens import TextTokenizer
from index.store import current, read_version
from training.pretrained import DEFAULT_MODEL

TASK = "rerank-service"
N_ITEMS, DEPTH, K = 5_000, 50, 10
BUDGETS_MS = (50, 100, 200)
PAIRS_A_BATCH, TOKENS_A_BATCH = 32, 4096
PATH = f"/v1/collections/{NAME}/search"
SecondsArray = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What a client that sends one request after the other saw, and what the server's process spent."""

    results: list[Mapping[str, Any]]
    latency_s: SecondsArray
    rescore_s: SecondsArray
    cpu_s: float


def ask(server: Server, queries: Sequence[str], **fields: Any) -> Answers:
    """Search for each query over one connection; RuntimeError for an answer that is an error."""
    results, latencies, rescores = [], [], []
    headers = {"content-type": "application/json", "authorization": f"Bearer {server.key}"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        before = server.cpu_s()
        for query in queries:
            body = orjson.dumps({"queries": [{"text": query}], "k": K, **fields})
            started = time.perf_counter()
            connection.request("POST", PATH, body, headers)
            response = connection.getresponse()
            answer = response.read()
            latencies.append(time.perf_counter() - started)
            if response.status != 200:
                raise RuntimeError(answer.decode())
            rescores.append(rescore_s(response.headers["server-timing"]))
            results.append(orjson.loads(answer)["results"][0])
        spent = server.cpu_s() - before
    return Answers(results, np.array(latencies), np.array(rescores), spent)


def rescore_s(server_timing: str) -> float:
    """Seconds of the second stage by the header Server-Timing; 0 where there was none."""
    stages = dict(re.findall(r"([a-z_]+);dur=([\d.]+)", server_timing))
    return float(stages.get("rescore", 0)) / 1000


class RawGraph:
    """The reranker's graph in this process, on one thread, with tokens that are ready."""

    def __init__(self, served: ServedPackages) -> None:
        version = read_version(served.collection, str(current(served.collection)))
        folder = served.collection.bundle(version.bundle_id)
        tokenizer = (folder / TOKENIZERS / f"{DEFAULT_MODEL}.json").read_bytes()
        self._tokens = TextTokenizer(tokenizer, DEFAULT_MODEL).pairs(MAX_TOKENS)
        self._session = OnnxSession(folder / RERANKER, SessionConfig())

    def cpu_s(self, asked: Sequence[Sequence[tuple[str, str]]]) -> float:
        """CPU seconds for the pairs of every query, in batches of like length."""
        batches = [arrays for pairs in asked for arrays in self._batches(pairs)]
        for arrays in batches[:8]:
            self._session.run(arrays)
        started = time.process_time()
        for arrays in batches:
            self._session.run(arrays)
        return time.process_time() - started

    def wall_to_cpu(self, asked: Sequence[Sequence[tuple[str, str]]]) -> SecondsArray:
        """Wall time by CPU time of one pair of each query: what else runs on the machine takes the rest."""
        ratios = []
        for pairs in asked:
            (arrays,) = self._batches(pairs[:1])
            wall, cpu = time.perf_counter(), time.thread_time()
            self._session.run(arrays)
            ratios.append((time.perf_counter() - wall) / (time.thread_time() - cpu))
        return np.array(ratios)

    def _batches(self, pairs: Sequence[tuple[str, str]]) -> list[dict[str, NDArray[np.int64]]]:
        tokens = self._tokens(pairs)
        length_M = (tokens.token_NT > 0).sum(axis=1)
        return [
            {name: array[rows, : length_M[rows].max()] for name, array in self._named(tokens)}
            for rows in batches_of_like_length(length_M, PAIRS_A_BATCH, TOKENS_A_BATCH)
        ]

    def _named(self, tokens: Any) -> tuple[tuple[str, NDArray[np.int64]], ...]:
        return (TOKENS, tokens.token_NT), (PARTS, tokens.part_NT)


def measure(budget: Budget) -> list[Row]:
    """All rows of the part."""
    n_queries = 20 if budget.quick else 60
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        served = prepare(root, budget.data, 1_000 if budget.quick else N_ITEMS)
        queries = served.queries[:: len(served.queries) // n_queries][:n_queries]
        with serving(root) as server:
            ask(server, queries[:5], rerank="cross_encoder", depth=DEPTH)
            found = ask(server, queries, k=DEPTH)
            rows = _cost(server, served, queries, found)
            for budget_ms in BUDGETS_MS:
                rows += _kept(ask(server, queries, rerank=_within(budget_ms), depth=DEPTH), budget_ms)
            rows += _degraded(server, queries)
    return rows


def _cost(server: Server, served: ServedPackages, queries: Sequence[str], found: Answers) -> list[Row]:
    asked = [
        [(query, served.items[hit["item_id"]]) for hit in result["hits"]]
        for query, result in zip(queries, found.results, strict=True)
    ]
    graph = RawGraph(served)
    raws = [graph.cpu_s(asked)]
    answers = ask(server, queries, rerank="cross_encoder", depth=DEPTH)
    raws.append(graph.cpu_s(asked))
    raw_s, n = statistics.mean(raws), len(queries)
    ratio_B = graph.wall_to_cpu(asked)
    return [
        Row(TASK, "raw", "wall_to_cpu_p50", float(np.quantile(ratio_B, 0.5))),
        Row(TASK, "raw", "wall_to_cpu_p95", float(np.quantile(ratio_B, 0.95))),
        Row(TASK, "raw", "cpu_ms", raw_s / n * 1e3, unit="ms"),
        Row(TASK, "raw", "pair_ms", raw_s / n / DEPTH * 1e3, unit="ms"),
        Row(TASK, "raw", "after_to_before", raws[1] / raws[0]),
        Row(TASK, f"http-{DEPTH}", "cpu_ms", answers.cpu_s / n * 1e3, unit="ms"),
        Row(TASK, f"http-{DEPTH}", "cpu_ratio_to_raw", answers.cpu_s / raw_s),
    ]


def _within(budget_ms: float) -> dict[str, Any]:
    return {"kind": "cross_encoder", "budget_ms": budget_ms}


def _kept(answers: Answers, budget_ms: float) -> list[Row]:
    ratio_B = answers.rescore_s * 1e3 / budget_ms
    scored = [result["scored"] for result in answers.results]
    method = f"budget-{budget_ms}-ms"
    return [
        Row(TASK, method, "elapsed_to_budget_p50", float(np.quantile(ratio_B, 0.5))),
        Row(TASK, method, "elapsed_to_budget_p95", float(np.quantile(ratio_B, 0.95))),
        Row(TASK, method, "scored_p50", statistics.median(scored)),
        Row(TASK, method, "out_of_time", statistics.mean("degraded" in result for result in answers.results)),
    ]


def _degraded(server: Server, queries: Sequence[str]) -> list[Row]:
    many = [*queries] * 3
    plain = ask(server, many, k=K)
    degraded = ask(server, many, rerank=_within(0.001), depth=DEPTH)
    plain_ms, degraded_ms = (float(np.median(answers.latency_s)) * 1e3 for answers in (plain, degraded))
    return [
        Row(TASK, "first-stage", "p50_ms", plain_ms, unit="ms"),
        Row(TASK, "degraded", "p50_ms", degraded_ms, unit="ms"),
        Row(TASK, "degraded", "p50_ratio_to_first_stage", degraded_ms / plain_ms),
        Row(TASK, "degraded", "cpu_ratio_to_first_stage", degraded.cpu_s / plain.cpu_s),
    ]


SERVICE = Part(
    """
    Package descriptions of Debian: the short one of a package asks, the 50 long ones that word towers find are read by
    a cross-encoder of 2 of MiniLM's 6 layers with a random head, at most 128 tokens a pair. One server process, one
    client that sends one request after the other. `raw` is the graph alone in this process for the same pairs, tokens
    ready, batches of like length, before and after; its mean is the bound. Budgets: the time of the second stage, as
    Server-Timing says it, by `budget_ms`; wall time, so that whatever else runs on the machine counts: `wall_to_cpu`
    says by how much that makes one pair slower than its CPU time. `degraded`: a budget that nothing fits in, beside a
    search without reranking.
    """,
    measure,
)
