"""Every index kind at several sizes: build cost, bytes, index recall, cost of a query, peak memory.

N corpus, Q queries, D embedding, K hits.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.index_parts.clustered import Mixture
from benchmarks.index_parts.index_process import Built, Searched, build, search
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from bundle.progress import NoProgress
from index.corpus import Corpus
from index.default_kind import DEFAULT_TARGET, choose_kind
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from index.queries import item_queries
from index.recall import measure as measure_recall

FloatArray = NDArray[np.float32]
K, QUERIES, TOLERANCE = 10, 500, 1e-5
ONE_BIT, DEFAULT = "ivf-rabitq-1", "default"


@dataclass(frozen=True)
class Trial:
    """One build and the settings that it is searched with; `slow` ones run at the smallest sizes and with --full."""

    method: str
    kinds: tuple[IndexKind, ...]
    slow: bool = False


def _coded(method: str, kind: IndexKind, *refine: int, slow: bool = False) -> Trial:
    return Trial(method, tuple(kind.model_copy(update={"refine": factor}) for factor in refine), slow)


TRIALS = (
    Trial("flat", (FlatKind(),)),
    Trial("ivf-flat", (IvfFlatKind(),)),
    _coded("ivf-sq8", IvfSq8Kind(), 1, 4),
    _coded("ivf-rabitq-4", IvfRabitqKind(bits=4, nprobe=32), 1, 4),
    _coded(ONE_BIT, IvfRabitqKind(nprobe=32), 1, 4, 10, 20),
    _coded("ivf-pq", IvfPqKind(nprobe=32), 1, 10, slow=True),
    Trial("hnsw", (HnswKind(),), slow=True),
)


@dataclass(frozen=True)
class World:
    """A corpus and queries that are not in it; `is_small` where every kind is built.

    `nlist`: how many lists small codes get here; as many as the kind itself would take where it is None.
    """

    task: str
    corpus: Callable[[], FloatArray]
    queries: Callable[[], FloatArray]
    is_small: bool = False
    nlist: int | None = None


def measure(budget: Budget) -> list[Row]:
    """All rows; --quick runs the Debian descriptions alone."""
    rows = []
    for world in _worlds(budget):
        with tempfile.TemporaryDirectory() as folder:
            rows += _measure_world(world, Path(folder), budget)
    return rows


def _worlds(budget: Budget) -> Iterator[World]:
    yield _debian(budget)
    if not budget.quick:
        for count, dimension, is_small in ((100_000, 128, True), (200_000, 384, False), (1_000_000, 128, False)):
            yield clustered_world(count, dimension, is_small=is_small)


def clustered_world(count: int, dimension: int, *, is_small: bool = False) -> World:
    """A corpus of `count` vectors and held-back queries of the same mixture."""
    mixture = Mixture(dimension)
    size = f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1_000}k"
    # 2,048 centres of 384 dimensions would weigh a quarter of the one-bit codes of 200,000 items.
    return World(
        f"clustered-{size}-{dimension}",
        lambda: mixture.draw(count, 1),
        lambda: mixture.draw(QUERIES, 2),
        is_small,
        1_024 if dimension > 128 else None,
    )


def _debian(budget: Budget) -> World:
    from benchmarks.debian_data import debian_synopsis
    from benchmarks.text_vectors import minilm_vectors

    task = debian_synopsis(budget.data)
    vectors_ND = minilm_vectors(task.document_texts(task.exams["test"]), budget.cache, 96)
    held_back_Q, kept_N = np.split(np.random.default_rng(0).permutation(len(vectors_ND)), [QUERIES])
    return World("debian-minilm", lambda: vectors_ND[np.sort(kept_N)], lambda: vectors_ND[held_back_Q], is_small=True)


def _measure_world(world: World, folder: Path, budget: Budget) -> list[Row]:
    vectors_ND, queries_QD = world.corpus(), world.queries()
    vectors = folder / "vectors.npy"
    np.save(vectors, vectors_ND)
    kth_Q = kth_scores(vectors_ND, queries_QD)
    rows: list[Row] = []
    flat_us = 0.0
    builds: dict[IndexKind, tuple[Built, Path]] = {}
    for trial in [*trials_of(world, full=budget.full), _default(len(vectors_ND), vectors_ND.shape[1])]:
        kinds = [kind.resolve(Corpus(vectors_ND)) for kind in trial.kinds]
        if kinds[0] not in builds:
            path = folder / f"{len(builds)}.faiss"
            builds[kinds[0]] = build(kinds[0], vectors, path), path
        built, path = builds[kinds[0]]
        if trial.method == DEFAULT:
            kinds = [_widened(kinds[0], path, vectors_ND)]
        for kind, searched in zip(kinds, search(kinds, vectors, path, queries_QD, K), strict=True):
            flat_us = flat_us or searched.cpu_us_per_query
            rows += _rows(world.task, method_of(trial, kind), built, searched, kth_Q, len(vectors_ND), flat_us)
    return rows


def trials_of(world: World, *, full: bool) -> list[Trial]:
    """What is built of this world, flat first; with the number of lists that it asks for of small codes."""
    trials = [trial for trial in TRIALS if world.is_small or full or not trial.slow]
    return [
        replace(trial, kinds=tuple(kind.model_copy(update={"nlist": world.nlist}) for kind in trial.kinds))
        if world.nlist and trial.method == ONE_BIT
        else trial
        for trial in trials
    ]


def _default(n_items: int, dimension: int) -> Trial:
    return Trial(DEFAULT, (choose_kind(n_items, dimension).kind,))


def _widened(kind: IndexKind, index: Path, vectors_ND: FloatArray) -> IndexKind:
    """The kind at the setting that a build chooses for the target of the default."""
    mapped = faiss.read_index(str(index), faiss.IO_FLAG_MMAP_IFC)
    queries = item_queries(vectors_ND, QUERIES, 0)
    return measure_recall(
        mapped, kind, vectors_ND, queries, target=DEFAULT_TARGET, threads=1, progress=NoProgress()
    ).kind


def method_of(trial: Trial, kind: IndexKind) -> str:
    """The slug of one setting: the trial's, with the refine factor where that is what differs."""
    if trial.method == DEFAULT:
        return f"default-{kind.kind.replace('_', '-')}"
    return f"{trial.method}-refine-{kind.setting()['refine']}" if len(trial.kinds) > 1 else trial.method


def kth_scores(vectors_ND: FloatArray, queries_QD: FloatArray) -> FloatArray:
    """The exact K-th best score of each query."""
    scores_QK, _ = faiss.knn(queries_QD, vectors_ND, K, metric=faiss.METRIC_INNER_PRODUCT)
    kth_Q: FloatArray = scores_QK[:, -1]
    return kth_Q


def recall(scores_QK: FloatArray, kth_Q: FloatArray) -> float:
    """Share of hits at least as good as the exact K-th best, which counts any of several equal items."""
    return float((scores_QK >= kth_Q[:, None] - TOLERANCE).mean())


def _rows(
    task: str, method: str, built: Built, searched: Searched, kth_Q: FloatArray, n_items: int, flat_us: float
) -> list[Row]:
    values = {
        "recall@10": (recall(searched.scores_QK, kth_Q), ""),
        "cpu_us_per_query": (searched.cpu_us_per_query, "µs"),
        "ratio_to_flat": (searched.cpu_us_per_query / flat_us, ""),
        "bytes_per_item": (built.file_bytes / n_items, ""),
        "build_cpu_s": (built.cpu_s, "s"),
        "build_peak": (built.peak_bytes / 1e6, "MB"),
        "swap_peak": (searched.swap_bytes / 1e6, "MB"),
    }
    return [Row(task, method, metric, value, unit=unit) for metric, (value, unit) in values.items()]


KINDS = Part(
    f"""`clustered-*`: a mixture of 1,500 clusters whose sizes follow a power law, 48 hidden dimensions, unit length;
{QUERIES} held-back queries of the same mixture, which are easier than those of another tower. `debian-minilm`: MiniLM
vectors of 10,708 package descriptions, {QUERIES} of them drawn as queries and not in the corpus. An index is built in a
process of its own with one thread, written, opened mapped as a version opens it, and searched one query at a time,
after one pass that touches its pages. `refine-n`: 10 n candidates of the codes are scored exactly with the vectors in
the mapped file, which `bytes_per_item` (the index file over the items) does not count. Lists are probed as the defaults
have it, 16, and 32 with RaBitQ and PQ; at 384 dimensions ivf-rabitq-1 has 1,024 lists and the others 2,048.
`default-*` is what a build gets whose configuration names neither kind nor target: the kind by size, widened until
{QUERIES} items find {DEFAULT_TARGET:.0%} of their exact neighbours. `build_peak`, `swap_peak`: memory that is allocated
at most while building, and while a second index is opened and searched beside the first; mapped files are not counted.
Above 100,000 items ivf-pq and hnsw run with `--full` only, for the time that they take. One build each; CPU
times differ by a tenth or two from run to run.""",
    measure,
)
