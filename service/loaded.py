"""What one collection answers with: a bundle and the index version that it embedded, captured together."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from bundle.errors import RetrievalError
from bundle.files import in_use
from bundle.store import Bundle, open_bundle
from bundle.tower import Tower
from bundle.workspace import Collection
from index.store import read_version
from index.version import IndexVersion, open_version
from service.live_recall import LiveRecall
from service.settings import Settings

WARM_K = 10


@dataclass(frozen=True)
class Failure:
    """A version that did not load, and how often that was tried."""

    index_version: str
    error: RetrievalError
    attempts: int


class Loaded:
    """One bundle with one index version; an answer is made from one such object and so never mixes two.

    Held while work on it is queued or runs; `on_idle` is called once it is retired and nobody holds it any more. Its
    methods belong to the event loop's thread.
    """

    def __init__(self, collection: str, bundle: Bundle, version: IndexVersion, brief_records: int = 0) -> None:
        """`brief_records`: vectors of one request that the event loop itself may search for."""
        self.collection = collection
        self.bundle = bundle
        self.version = version
        self.bundle_id = bundle.bundle_id
        self.index_version = version.version
        self.live_recall: LiveRecall | None = None
        self.brief_records = brief_records
        self.loaded_at = _now()
        self.size_bytes = sum(entry.size_bytes for entry in version.manifest.files.values())
        self._holders = 0
        self._on_idle: Callable[[Loaded], None] | None = None

    def tower(self, name: Literal["query", "item"]) -> Tower:
        """One of the bundle's two towers."""
        return self.bundle.query if name == "query" else self.bundle.item

    def serve(self, live_recall: LiveRecall) -> None:
        """Note that requests are answered with this from now on; `live_recall` is offered its searches."""
        self.live_recall = live_recall
        self.loaded_at = _now()

    def hold(self) -> None:
        """Keep the version open until `release`."""
        self._holders += 1

    def release(self) -> None:
        """Undo one `hold`."""
        self._holders -= 1
        if self._holders == 0 and self._on_idle is not None:
            self._on_idle(self)

    def retire(self, on_idle: Callable[["Loaded"], None]) -> None:
        """Say that nothing new will hold this; `on_idle` may then close it."""
        self._on_idle = on_idle
        if self._holders == 0:
            on_idle(self)

    def close(self) -> None:
        """Free the index."""
        self.version.close()


def load(
    collection: Collection,
    index_version: str,
    settings: Settings,
    served: Loaded | None,
) -> Loaded:
    """Open, verify and warm an index version with its bundle; the bundle of `served` is used again when it is the same.

    Raises VersionError, BundleError or InvalidName.
    """
    verify = settings.reload.verify
    with in_use(collection.index(index_version)):  # so that no garbage collection takes it meanwhile
        bundle_id = read_version(collection, index_version).bundle_id
        if served is not None and served.bundle_id == bundle_id:
            bundle = served.bundle
        else:
            bundle = open_bundle(collection, bundle_id, settings.session, verify=verify)
        version = open_version(
            collection, index_version, bundle_id=bundle.bundle_id, device=settings.index_device, verify=verify
        )
        search_s = warm_up(bundle, version, settings.reload.warm_searches)
        is_here = settings.index_device == "cpu"  # a GPU has a thread of its own, which would be waited for
        brief_records = int(settings.batching.inline_us / 1e6 / search_s) if is_here else 0
        return Loaded(collection.name, bundle, version, brief_records)


def warm_up(bundle: Bundle, version: IndexVersion, n_searches: int) -> float:
    """Run every graph and some searches, so that the first requests find pages and buffers in place.

    CPU seconds of a search, the median of them; infinite where none was made.
    """
    bundle.query.session.warm_up()
    bundle.item.session.warm_up()
    if bundle.reranker is not None:
        bundle.reranker.warm_up()
    random = np.random.default_rng(0)
    seconds: list[float] = []
    for _ in range(n_searches):
        query_BD = random.standard_normal((1, version.dimension), dtype=np.float32)
        for relation in version.roles:
            started = time.thread_time()
            hits = version.search(query_BD, WARM_K, relation=relation)
            seconds.append(time.thread_time() - started)
            version.attributes(hits.ids[0])
    if bundle.semantic_ids is not None:
        bundle.semantic_ids.encode(random.standard_normal((1, version.dimension), dtype=np.float32))
    return max(statistics.median(seconds), 1e-6) if seconds else math.inf


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
