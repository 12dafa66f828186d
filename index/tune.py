"""Which kind and setting answers a catalogue's queries cheapest: measured on the vectors of a finished index version.

Nothing is embedded again and no version is written. N corpus, D embedding.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bundle.errors import ConfigError
from bundle.progress import NoProgress, Progress
from bundle.session import SessionConfig
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Collection
from index.config import BuildConfig
from index.corpus import Corpus
from index.default_kind import DEFAULT_TARGET, MEGABYTE
from index.errors import RecallBelowTarget, VersionNotFound
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from index.manifest import IN_ROLE_FOLDER, VECTORS_FILE, IndexManifest
from index.queries import RecallQueries, recall_queries
from index.recall import measure
from index.store import current, list_versions, read_version, verify_version
from index.threads import use_threads

CANDIDATES: tuple[IndexKind, ...] = (
    FlatKind(),
    IvfFlatKind(),
    IvfSq8Kind(),
    IvfRabitqKind(bits=4, refine=4),
    IvfRabitqKind(bits=1),
    IvfPqKind(),
    HnswKind(),
)
# Costs that differ by less are the same within the noise of measuring; memory decides between them.
SAME_COST = 1.1


@dataclass(frozen=True)
class Trial:
    """One setting of one kind; `kind` is as a configuration would say it."""

    kind: IndexKind
    recall: float
    cpu_us_per_query: float
    index_bytes: int
    build_cpu_s: float

    @property
    def name(self) -> str:
        """The kind and what tells it from others of its kind, without its search parameters."""
        return f"{self.kind.kind} {self.kind.bits} bit" if isinstance(self.kind, IvfRabitqKind) else self.kind.kind


@dataclass(frozen=True)
class Tuning:
    """All that was measured, the cheapest first, on the vectors of `version`; `chosen` meets the target."""

    version: str
    target: float
    trials: tuple[Trial, ...]
    chosen: Trial

    @property
    def front(self) -> list[Trial]:
        """The trials that no other beats in recall, cost and bytes at once."""
        return [trial for trial in self.trials if not any(_beats(other, trial) for other in self.trials)]


def tune(
    collection: Collection,
    config: BuildConfig,
    kinds: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    base: Path = Path(),
) -> Tuning:
    """Measure every kind, or those named in `kinds`, and choose the cheapest setting that meets the target recall.

    `config` is that of the build to come: its queries, target_recall (.95 if not given), memory_budget_mb, threads and
    seed are used, and its kind replaces the candidates of that name. Raises ConfigError, VersionNotFound,
    VersionCorrupt, RecallBelowTarget, and what opening the bundle and reading the queries raise.
    """
    if config.collection != collection.name:
        raise ConfigError(f"the build config is for collection '{config.collection}', not for '{collection.name}'")
    candidates, progress = _candidates(config.kind, kinds), progress or NoProgress()
    version = _measured_version(collection, config.bundle or (list_bundles(collection) or [""])[-1])
    corpus, queries = _vectors(collection, version, config, base)
    trials: list[Trial] = []
    for kind in candidates:
        trials += _trials(kind, corpus, queries, config, progress)
    trials.sort(key=lambda trial: trial.cpu_us_per_query)
    target = config.target_recall or DEFAULT_TARGET
    return Tuning(version.version, target, tuple(trials), _choose(trials, target, config.memory_budget_mb))


def kind_section(kind: IndexKind) -> str:
    """The [kind] section of a build configuration, with what differs from the defaults and all search parameters."""
    said: dict[str, Any] = {"kind": kind.kind} | kind.model_dump(exclude_defaults=True) | kind.setting()
    lines = [f"{name} = {value!r}".replace("'", '"') for name, value in said.items()]
    return "\n".join(["[kind]", *lines])


def _candidates(configured: IndexKind | None, names: Sequence[str]) -> list[IndexKind]:
    kinds = list(CANDIDATES)
    if configured is not None:
        kinds = [kind for kind in kinds if kind.kind != configured.kind] + [configured]
    known = sorted({kind.kind for kind in kinds})
    for name in names:
        if name not in known:
            raise ConfigError(f"kind '{name}' cannot be tuned; choose from {', '.join(known)}", kind=name)
    return [kind for kind in kinds if not names or kind.kind in names]


def _measured_version(collection: Collection, bundle_id: str) -> IndexManifest:
    """The active version, else the newest, that `bundle_id` embedded; every byte of it is checked."""
    active = current(collection)
    for name in [*([active] if active else []), *reversed(list_versions(collection))]:
        if read_version(collection, name).bundle_id == bundle_id:
            return verify_version(collection, name)
    raise VersionNotFound(
        f"collection '{collection.name}' has no index version of bundle '{bundle_id}'; build one of any kind first, "
        "because tuning measures on its vectors",
        bundle_id=bundle_id,
    )


def _vectors(
    collection: Collection, version: IndexManifest, config: BuildConfig, base: Path
) -> tuple[Corpus, RecallQueries]:
    folder = collection.index(version.version)
    asking = folder / IN_ROLE_FOLDER if version.in_role is not None else folder
    bundle = open_bundle(collection, version.bundle_id, SessionConfig(device=config.device, threads=config.threads))
    vectors_ND, asking_ND = (np.load(place / VECTORS_FILE, mmap_mode="r") for place in (folder, asking))
    table = None if config.queries is None else base / config.queries
    return Corpus(vectors_ND), recall_queries(bundle, asking_ND, table, config.n_recall_queries, config.seed)


def _trials(
    kind: IndexKind, corpus: Corpus, queries: RecallQueries, config: BuildConfig, progress: Progress
) -> list[Trial]:
    resolved, vectors_ND = kind.resolve(corpus), corpus.vectors_ND
    before = time.process_time()
    with use_threads(config.threads):
        progress.start(f"build {kind.kind} index", None)
        index = resolved.build(corpus, config.seed)
        progress.finish()
    build_cpu_s = time.process_time() - before
    measured = measure(
        index, resolved, vectors_ND, queries, target=None, threads=config.threads, progress=progress
    ).report
    n_bytes = len(corpus) * resolved.bytes_per_item(vectors_ND.shape[1])
    return [
        Trial(kind.model_copy(update=point.params), point.recall, point.cpu_us_per_query, n_bytes, build_cpu_s)
        for point in measured.points
    ]


def _choose(trials: Sequence[Trial], target: float, memory_budget_mb: int | None) -> Trial:
    fit = [t for t in trials if memory_budget_mb is None or t.index_bytes <= memory_budget_mb * MEGABYTE]
    good = [trial for trial in fit if trial.recall >= target]
    if not good:
        best = max((trial.recall for trial in fit), default=0.0)
        within = "" if memory_budget_mb is None else f" within {memory_budget_mb} MB"
        raise RecallBelowTarget(
            f"no measured setting{within} reaches index recall {target}; the best has {best:.4f}; lower target_recall, "
            "raise memory_budget_mb, or allow more kinds",
            target=target,
            recall=best,
        )
    least = min(trial.cpu_us_per_query for trial in good)
    return min(
        (trial for trial in good if trial.cpu_us_per_query <= SAME_COST * least), key=lambda trial: trial.index_bytes
    )


def _beats(one: Trial, other: Trial) -> bool:
    ours = (one.recall, -one.cpu_us_per_query, -one.index_bytes)
    theirs = (other.recall, -other.cpu_us_per_query, -other.index_bytes)
    return ours != theirs and all(our >= their for our, their in zip(ours, theirs, strict=True))
