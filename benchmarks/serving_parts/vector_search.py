"""Search by given vectors over HTTP, beside FAISS alone and the textbook's route over the same index.

Q queries, D embedding.
"""

import base64
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import orjson

from benchmarks.index_parts.clustered import FloatArray
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.serving_parts.raw import Raw, measure_raw, open_index
from benchmarks.serving_parts.server import Server, free_port, milliseconds, running, serving
from benchmarks.serving_parts.textbook import TEXTBOOK_PATH
from benchmarks.serving_parts.vector_collection import (
    LEAST_EF,
    SEARCH_PATH,
    TARGET_RECALL,
    manifest_of,
    queries,
    vector_collection,
)
from bundle.workspace import Collection
from index.kinds.hnsw import HnswKind
from index.manifest import INDEX_FILE, IndexManifest

K, CONCURRENCIES = 10, (1, 8, 32)
GRAPHS = {"default": HnswKind(), "least-ef": LEAST_EF}
RAW_BYTES = "application/octet-stream"
_NOT_TAKEN = (415, 422)


@dataclass(frozen=True)
class Form:
    """One way to write a query vector."""

    path: str
    content_type: str
    bodies: Sequence[bytes]


@dataclass(frozen=True)
class _World:
    task: str
    collection: Collection
    manifest: IndexManifest
    queries_QD: FloatArray
    n_requests: int
    n_raw: int

    @property
    def index_file(self) -> str:
        return str(self.collection.index(self.manifest.version) / INDEX_FILE)


def measure(budget: Budget) -> list[Row]:
    """All rows of both widths; --quick has fewer items and one width."""
    count, dimensions = (10_000, (128,)) if budget.quick else (100_000, (128, 384))
    rows = []
    for dimension in dimensions:
        for graph in ("least-ef",) if budget.quick else GRAPHS:
            collection = vector_collection(budget.cache, count, dimension, kind=GRAPHS[graph])
            sizes = (500, 2_000) if budget.quick else (6_000, 10_000)
            task = f"search-vector-{count}-{dimension}-{graph}"
            world = _World(task, collection, manifest_of(collection), queries(dimension), *sizes)
            rows += measure_collection(world, budget.seeds)
    return rows


def measure_collection(world: _World, seeds: int) -> list[Row]:
    """The rows of one collection; raises RuntimeError where its index recall is short of .95."""
    found = world.manifest.recall.recall
    if found < TARGET_RECALL:
        raise RuntimeError(f"index recall is {found}, but at least {TARGET_RECALL} is wanted")
    runs = [_run(world) for _ in range(seeds)]
    setting = {"recall@10": found, "ef_search": world.manifest.kind.setting()["ef_search"]}
    rows = [Row(world.task, "raw", name, value) for name, value in setting.items()]
    for method in runs[0]:
        rows += rows_of(world.task, method, [run[method] for run in runs])
    return rows


def _run(world: _World) -> dict[str, dict[str, float]]:
    """Measures by method: both servers one after the other, the bound before, between and after."""
    raws, loads = [_raw(world)], {}
    for name, server, forms in _servers(world):
        for form_name, form in forms.items():
            requests = server.requests(form.path, form.bodies, form.content_type)
            server.closed_loop(requests, 8, world.n_requests // 5)
            for concurrency in CONCURRENCIES:
                method = "-".join(filter(None, (name, form_name, f"c{concurrency}")))
                loads[method] = server.closed_loop(requests, concurrency, world.n_requests)
        raws.append(_raw(world))
    raw = Raw.mean(raws)
    measures = {"raw": raw.values()}
    for method, (answers, cpu_us) in loads.items():
        quick = {"cpu_us": cpu_us, "cpu_ratio_to_raw": cpu_us / raw.cpu_us, "qps": answers.qps}
        measures[method] = quick | {"qps_ratio_to_raw": answers.qps / raw.qps, **milliseconds(answers.latency_s)}
    return measures


def _servers(world: _World) -> Iterator[tuple[str, Server, Mapping[str, Form]]]:
    with serving(world.collection.folder.parents[1]) as server:
        yield "http", server, taken_forms(server, forms_of(world.queries_QD))
    bodies = [orjson.dumps({"vector": query, "k": K}) for query in world.queries_QD.tolist()]
    for name in ("textbook", "bare"):
        with _compared(world, name) as server:
            yield name, server, {"": Form(TEXTBOOK_PATH, "application/json", bodies)}


def forms_of(queries_QD: FloatArray) -> dict[str, Form]:
    """The same queries as numbers (as Python writes them), as base64 inside JSON, and as bytes alone."""
    texts = [base64.b64encode(query.tobytes()).decode() for query in queries_QD]
    numbers = [orjson.dumps({"vectors": [query], "k": K}) for query in queries_QD.tolist()]
    encoded = [orjson.dumps({"vectors": [text], "k": K}) for text in texts]
    return {
        "json": Form(SEARCH_PATH, "application/json", numbers),
        "base64": Form(SEARCH_PATH, "application/json", encoded),
        "raw-bytes": Form(f"{SEARCH_PATH}?k={K}", RAW_BYTES, [query.astype("<f4").tobytes() for query in queries_QD]),
    }


def taken_forms(server: Server, forms: Mapping[str, Form]) -> dict[str, Form]:
    """The forms that this server takes; what it refuses is told. Raises RuntimeError where two answer differently."""
    taken, hits = {}, []
    for name, form in forms.items():
        status, body = server.post(form.path, form.bodies[0], form.content_type)
        if status in _NOT_TAKEN and form.content_type == RAW_BYTES:
            print(f"left out {name}: the server answers {status} to {RAW_BYTES}", file=sys.stderr)
            continue
        if status != 200:
            raise RuntimeError(f"{name}: {status} {body[:500]!r}")
        taken[name] = form
        hits.append([hit["item_id"] for hit in orjson.loads(body)["results"][0]["hits"]])
    if any(found != hits[0] for found in hits):
        raise RuntimeError("the same query in another form has other hits")
    return taken


@contextmanager
def _compared(world: _World, module: str) -> Iterator[Server]:
    port, ef_search = free_port(), world.manifest.kind.setting()["ef_search"]
    command = [sys.executable, "-m", f"benchmarks.serving_parts.{module}", world.index_file, str(ef_search), str(port)]
    with running(command, port, "/readyz", world.collection.folder / f"{module}.log") as server:
        yield server


def _raw(world: _World) -> Raw:
    index, kind = open_index(world.collection)
    parameters, queries_QD = kind.parameters({}), np.ascontiguousarray(world.queries_QD)
    count = len(queries_QD)
    return measure_raw(lambda turn: index.search(queries_QD[turn % count, None], K, params=parameters), world.n_raw)


VECTOR_SEARCH = Part(
    """
    100,000 clustered unit vectors of 128 and of 384 numbers as in `index.md`, k 10, one query a request. `default`:
    HNSW as a build makes it (32 links, `ef_search` 64). `least-ef`: 16 links and the least `ef_search` of 16, 32, ...
    whose index recall@10 on held-back queries is .95 or more; the cheaper the search, the more weighs all else. `raw`:
    FAISS in process, one query after the other on one thread, measured before, between and after the servers, mean
    taken. `http-*`: the service as `tandem serve` starts it, one worker, with an API key, metrics, and a log of every
    request written to a file; the query as JSON numbers, as base64 inside JSON, or as the bytes of float32 alone.
    `textbook-*`: a FastAPI route of the plain kind (`def`, pydantic models in and out, a list of numbers) around the
    same index file in a process of its own under the same uvicorn, without key, metrics or log. `bare-*`: an ASGI
    function with orjson there, which checks nothing: what HTTP costs at the least. `c<n>`: n connections kept alive,
    each sending its next request once the last is answered, from a client process on the same cores. `cpu_us`: user and
    system time of the server's processes a request. Targets of `cpu_ratio_to_raw`: 3.0 for JSON and 2.5 for base64 and
    bytes at 128, 2.2 and 1.8 at 384.
    """,
    measure,
)
