"""Search by text over HTTP, beside featurizer, tower and FAISS alone."""

from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.serving_parts.raw import Raw, measure_raw, open_index
from benchmarks.serving_parts.server import milliseconds, serving
from benchmarks.serving_parts.text_collection import SEARCH_PATH, text_bodies, text_collection, titles
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.kinds import IndexKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.store import list_versions, read_version

K, CONCURRENCIES, N_TEXTS = 10, (1, 8, 32), 2_000
KINDS: dict[str, IndexKind] = {"ivf-flat": IvfFlatKind(), "hnsw": HnswKind()}


def measure(budget: Budget) -> list[Row]:
    """All rows; --quick has fewer items and one kind."""
    count, n_requests = (10_000, 500) if budget.quick else (100_000, 6_000)
    rows = []
    for name in ("ivf-flat",) if budget.quick else KINDS:
        collection = text_collection(budget.cache, count, KINDS[name])
        runs = [_run(collection, n_requests) for _ in range(budget.seeds)]
        for method in runs[0]:
            rows += rows_of(f"search-text-{count}-{name}", method, [run[method] for run in runs])
    return rows


def _run(collection: Collection, n_requests: int) -> dict[str, dict[str, float]]:
    raws, loads = [_raw(collection, n_requests)], {}
    with serving(collection.folder.parents[1]) as server:
        requests = server.requests(SEARCH_PATH, text_bodies(N_TEXTS, K))
        server.closed_loop(requests, 8, n_requests // 5)
        for concurrency in CONCURRENCIES:
            loads[f"http-c{concurrency}"] = server.closed_loop(requests, concurrency, n_requests)
        rss_mb = server.rss_mb()
    raws.append(_raw(collection, n_requests))
    raw = Raw.mean(raws)
    measures = {"raw": raw.values()}
    for method, (answers, cpu_us) in loads.items():
        seen = milliseconds(answers.latency_s)
        measures[method] = {
            "cpu_us": cpu_us,
            "qps": answers.qps,
            **seen,
            "cpu_ratio_to_raw": cpu_us / raw.cpu_us,
            "qps_ratio_to_raw": answers.qps / raw.qps,
            "p50_ratio_to_raw": seen["p50_ms"] / raw.p50_ms,
        }
    measures["http-c32"]["rss_mb"] = rss_mb
    return measures


def _raw(collection: Collection, count: int) -> Raw:
    """Featurize, encode and search one text after the other."""
    index, kind = open_index(collection)
    version = read_version(collection, list_versions(collection)[-1])
    tower, parameters, texts = open_bundle(collection, version.bundle_id).query, kind.parameters({}), titles(N_TEXTS, 2)
    return measure_raw(
        lambda turn: index.search(tower.embed([{"text": texts[turn % N_TEXTS]}]), K, params=parameters), count
    )


TEXT_SEARCH = Part(
    """
    100,000 generated titles and a text tower of the default shape (hashed n-grams, weighted sum, residual layer) with
    random weights, whose embeddings have 128 numbers; IVF-Flat and HNSW with their default settings, k 10, one text a
    request. `raw`: featurizer, ONNX tower and FAISS in process, one text after the other on one thread, measured before
    and after, mean taken. `http-c<n>` as above.
    """,
    measure,
)
