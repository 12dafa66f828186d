"""What a start takes, and what memory serving takes over its index."""

import statistics
from pathlib import Path

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.serving_parts.server import MEGABYTE, serving
from benchmarks.serving_parts.text_collection import SEARCH_PATH, text_bodies, text_collection
from bundle.workspace import Collection
from index.kinds.hnsw import HnswKind
from index.manifest import ATTRIBUTES_FILE, IDS_FILE, INDEX_FILE, VECTORS_FILE
from index.store import list_versions

K = 10


def measure(budget: Budget) -> list[Row]:
    """Several starts over one bundle; medians."""
    count, n_starts, n_searches = (10_000, 2, 500) if budget.quick else (100_000, 7, 5_000)
    collection = text_collection(budget.cache, count, HnswKind())
    starts = [_start(collection, n_searches) for _ in range(n_starts)]
    units = {"ready_s": "s", "ready_cpu_s": "s"}
    return [
        Row(
            f"start-{count}-hnsw",
            "serve",
            name,
            statistics.median(start[name] for start in starts),
            spread=statistics.pstdev(start[name] for start in starts),
            seeds=n_starts,
            unit=units.get(name, "MB"),
        )
        for name in starts[0]
    ]


def _start(collection: Collection, n_searches: int) -> dict[str, float]:
    with serving(collection.folder.parents[1]) as server:
        ready_mb = server.rss_mb()
        server.closed_loop(server.requests(SEARCH_PATH, text_bodies(2_000, K)), 8, n_searches)
        searched_mb = server.rss_mb()
        took = {"ready_s": server.ready_s, "ready_cpu_s": server.ready_cpu_s}
    index_mb = sum(path.stat().st_size for path in _mapped_files(collection)) / MEGABYTE
    memory = {"index_mb": index_mb, "rss_ready_mb": ready_mb, "rss_searched_mb": searched_mb}
    return took | memory | {"rss_searched_over_index_mb": searched_mb - index_mb}


def _mapped_files(collection: Collection) -> list[Path]:
    folder = collection.index(list_versions(collection)[-1])
    return [folder / name for name in (INDEX_FILE, VECTORS_FILE, IDS_FILE, ATTRIBUTES_FILE)]


START = Part(
    """
    `tandem serve` over the HNSW collection of `text-search`, whose towers hold 34 MB of weights each: wall time from
    the start of the process to the first 200 of /readyz, which is asked every 10 ms, and the CPU time of the process
    until then. The files are in the page cache, as after a restart; every one of them is hashed before it is served.
    `rss_ready`, `rss_searched`: resident memory then, and after 5,000 searches over 8 connections, mapped files
    included; `index`: the files of the index version that it maps, which are the HNSW graph with its vectors, the
    vectors once more (live recall reads them), ids and attributes; `rss_searched_over_index`: what is left without
    them. Median and spread of 7 starts. Targets: 4 s, and 300 MB over the index.
    """,
    measure,
)
