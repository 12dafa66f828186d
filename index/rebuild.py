"""The rebuild job: one command that takes a collection from a new catalogue to a new active version, or refuses.

read -> is it built already? -> embed what changed and build -> gates -> activate -> collect garbage. A run that is
killed leaves the active version serving, and the next run goes on: embedded shards were kept, and a version that was
built but neither activated nor refused is only judged.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from bundle.errors import RetrievalError
from bundle.progress import NoProgress, Progress
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.build import build_from
from index.config import BuildConfig
from index.garbage import LEAST_KEPT, Garbage, collect_garbage
from index.gates import Gates, Judgement, judge
from index.inputs import BuildInputs, read_inputs
from index.manifest import IndexManifest
from index.query_comparison import Opened
from index.rebuild_lock import rebuild_lock
from index.rebuild_report import COMPARISON_FILE, Outcome, RebuildReport, read_outcome, write_rebuild_report
from index.reuse import Reuse, find_reuse
from index.store import activate, known_current, list_versions, read_version, verify_version
from index.version import open_version


class RebuildConfig(BuildConfig):
    """An index build, the gates before its activation, and what is kept."""

    gates: Gates = Field(default=Gates(), description="What a version must hold to be activated.")
    keep: int = Field(
        default=3, ge=LEAST_KEPT, description="Index versions kept: the active one and those before it, latest first."
    )
    reuse_vectors: bool = Field(
        default=True,
        description="Copy the embeddings of items whose content the same bundle embedded before; false embeds all.",
    )

    @property
    def build(self) -> BuildConfig:
        """The settings of the build alone, which its manifest holds."""
        return BuildConfig(**{name: getattr(self, name) for name in BuildConfig.model_fields})


def rebuild(
    collection: Collection,
    config: RebuildConfig,
    progress: Progress | None = None,
    *,
    base: Path = Path(),
    force: bool = False,
) -> RebuildReport:
    """Build, judge and activate a version of the catalogue as it is now, and report; relative paths start at `base`.

    Where the active version has the same catalogue, bundle and config nothing is built unless `force`. Raises
    RebuildRunning, what `build_index` raises, and OSError; the active version then stays active.
    """
    with rebuild_lock(collection, "tandem index rebuild"):
        return _Rebuild(collection, config, progress or NoProgress(), base).run(force=force)


@dataclass
class _Rebuild:
    collection: Collection
    config: RebuildConfig
    progress: Progress
    base: Path
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    is_built: bool = False

    def run(self, *, force: bool) -> RebuildReport:
        active = self._active()
        inputs = read_inputs(self.collection, self.config.build, self.base)
        with self._timed("check versions"):
            found = None if force else self._found(inputs, active)
        if found is None:
            found = self._build(inputs, active)
        elif found.version == active:
            return self._report(inputs, found, "unchanged", active)
        elif read_outcome(self.collection, found.version) == "activated":
            self.notes.append(f"activate '{found.version}' by name, or rebuild with --force, to serve this catalogue")
            return self._report(inputs, found, "rolled back", active)
        else:
            self.notes.append(f"'{found.version}' was built by an earlier run; it was judged, not built again")
        return self._judge(inputs, found, active)

    def _active(self) -> str | None:
        active = known_current(self.collection)
        if active is None and self.collection.current.exists():
            self.notes.append(f"{self.collection.current} names no version that is there; it is written anew")
        return active

    def _found(self, inputs: BuildInputs, active: str | None) -> IndexManifest | None:
        """The active or else the newest version, if it is whole and was built of these inputs."""
        wanted = inputs.bundle.bundle_id, inputs.digest, inputs.config.model_dump(mode="json")
        for version in dict.fromkeys([active, *list_versions(self.collection)[-1:]]):
            try:
                manifest = None if version is None else verify_version(self.collection, version)
            except RetrievalError as error:
                self.notes.append(error.message)
                continue
            if manifest and (manifest.bundle_id, manifest.inputs_digest, manifest.config) == wanted:
                return manifest
        return None

    def _build(self, inputs: BuildInputs, active: str | None) -> IndexManifest:
        reuse = Reuse()
        if self.config.reuse_vectors:
            with self._timed("check versions"):
                versions = [*([active] if active else []), *list_versions(self.collection)[-1:]]
                reuse = find_reuse(self.collection, inputs.bundle.bundle_id, versions)
        self.is_built = True
        version = build_from(inputs, self.progress, reuse)
        reuse.forget_shards()
        manifest = read_version(self.collection, version)
        self.seconds.update(manifest.seconds)
        return manifest

    def _judge(self, inputs: BuildInputs, built: IndexManifest, active: str | None) -> RebuildReport:
        with self._timed("gates"), self._task("judge gates"):
            new = Opened(open_version(self.collection, built.version), inputs.bundle)
            judgement = judge(self.config.gates, new, self._live(inputs, active), self.base)
        if any(result.outcome == "refused" for result in judgement.results):
            return self._report(inputs, built, "refused", active, judgement)
        with self._timed("activate"), self._task("activate"):
            activate(self.collection, built.version)
        return self._report(inputs, built, "activated", active, judgement)

    def _live(self, inputs: BuildInputs, active: str | None) -> Opened | str:
        if active is None:
            return "no version is active yet, so there is nothing to compare with"
        try:
            version = open_version(self.collection, active)
            same = version.bundle_id == inputs.bundle.bundle_id
            return Opened(version, inputs.bundle if same else open_bundle(self.collection, version.bundle_id))
        except RetrievalError as error:
            return f"the active version cannot be compared with: {error.message}"

    def _report(
        self,
        inputs: BuildInputs,
        built: IndexManifest,
        outcome: Outcome,
        active: str | None,
        judgement: Judgement | None = None,
    ) -> RebuildReport:
        n_vectors = built.count * len(inputs.towers) if self.is_built else 0
        n_copied = built.n_copied if self.is_built else 0
        report = RebuildReport(
            collection=self.collection.name,
            version=built.version,
            outcome=outcome,
            before=active,
            bundle_id=built.bundle_id,
            count=built.count,
            n_copied=n_copied,
            n_embedded=n_vectors - n_copied,
            gates=tuple(judgement.results) if judgement else (),
            comparison=COMPARISON_FILE if judgement and judgement.comparison else None,
            notes=tuple(self.notes),
            seconds=self._rounded(),
        )
        if judgement is not None:  # where nothing was judged the report of the run that did it stays
            with self._task("write report"):
                write_rebuild_report(self.collection, report, judgement.comparison)
        garbage = self._collect()
        removed = (*garbage.versions, *garbage.leftovers)
        return report.model_copy(update={"removed": removed, "in_use": garbage.in_use, "seconds": self._rounded()})

    def _collect(self) -> Garbage:
        with self._timed("collect garbage"), self._task("collect garbage"):
            return collect_garbage(self.collection, self.config.keep)

    def _rounded(self) -> dict[str, float]:
        return {step: round(seconds, 3) for step, seconds in self.seconds.items()}

    @contextmanager
    def _task(self, name: str) -> Iterator[None]:
        self.progress.start(name, None)
        yield
        self.progress.finish()

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0) + time.perf_counter() - start
