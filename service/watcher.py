"""Follows the CURRENT file of every collection: loads a new version beside the old one, then swaps one reference.

A version that was tried beside the served one (service/shadow) is loaded already, and is swapped in as it is.

The thread loads; the event loop swaps, so that a request sees either version and never a change. A version that does
not load leaves the old one serving and is tried again later. Replaced versions are closed here once nobody holds them.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bundle.errors import RetrievalError
from bundle.workspace import Collection, Workspace
from index.errors import VersionCorrupt
from index.store import current
from service.live_recall import LiveRecall
from service.loaded import Failure, Loaded, load
from service.metrics import Metrics
from service.rebuild_watch import RebuildWatch
from service.settings import Settings
from service.shadow.candidate import Candidate
from service.shadow.follow import Candidates
from service.slots import Slots

logger = logging.getLogger(__name__)
_UNREADABLE = "(unreadable)"


@dataclass
class _Followed:
    loaded: Loaded | None = None
    failure: Failure | None = None
    retry_at: float = 0.0


class Watcher:
    """The thread that keeps `slots` in step with the workspace."""

    def __init__(
        self,
        settings: Settings,
        slots: Slots,
        metrics: Metrics,
        live_recall: LiveRecall,
        loop: asyncio.AbstractEventLoop,
        look_at_settings: Callable[[], None] = lambda: None,
    ) -> None:
        """`look_at_settings` is called at every look; it follows the settings file."""
        self._settings = settings
        self._workspace = Workspace(settings.workspace)
        self._slots = slots
        self._metrics = metrics
        self._live_recall = live_recall
        self._loop = loop
        self._look_at_settings = look_at_settings
        self._followed: dict[str, _Followed] = {}
        self._candidates = Candidates(settings, lambda name, candidate: self._on_loop(self._try, name, candidate))
        self._rebuilds = RebuildWatch(metrics.rebuilt)
        self._idle: queue.SimpleQueue[Loaded] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._retry: set[str] = set()
        self._stopped = False
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Start following; the first look happens at once."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def look_now(self, retry: str | None = None) -> None:
        """Look at every CURRENT at once; `retry` names a collection whose failed version is tried again now."""
        if retry is not None:
            self._retry.add(retry)
        self._wake.set()

    def use(self, settings: Settings) -> None:
        """Load and look by other settings from now on."""
        self._settings = settings
        self._candidates.use(settings)

    def stop(self) -> None:
        """End the thread after its present load, and close what it loaded; to be called off the event loop."""
        self._stopped = True
        self._wake.set()
        self._thread.join()
        for followed in self._followed.values():
            if followed.loaded is not None:
                followed.loaded.close()
        self._candidates.close()
        self._close_idle()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self._look()
                self._fault = None
            except Exception as error:  # a disk that fails for a moment must not end the following of new versions
                if self._fault != str(error):  # once, not at every poll
                    self._fault = str(error)
                    logger.exception("looking for new versions failed; it is tried again at the next poll")
            self._wake.wait(self._settings.reload.poll_seconds)

    def _look(self) -> None:
        self._look_at_settings()
        for collection in self._workspace.collections():
            self._follow(collection)
            self._rebuilds.look(collection)
            self._candidates.follow(collection, self._followed[collection.name].loaded)
        self._close_idle()
        self._on_loop(self._scanned)

    def _follow(self, collection: Collection) -> None:
        state = self._followed.setdefault(collection.name, _Followed())
        try:
            active = current(collection)
        except (OSError, ValueError) as error:
            if not self._is_settled(collection.name, state, _UNREADABLE):
                self._failed(collection, state, _UNREADABLE, VersionCorrupt(f"{collection.current}: {error}"))
            return
        if active is None or self._is_settled(collection.name, state, active):
            return
        self._on_loop(self._slots.see, collection.name, active)
        started = time.perf_counter()
        try:
            loaded = self._candidates.take(collection.name, active)
            if loaded is None:
                loaded = load(collection, active, self._settings, state.loaded)
        except RetrievalError as error:
            self._failed(collection, state, active, error)
        except Exception as error:  # whatever a damaged file does to a reader, the old version serves on
            logger.exception("index version could not be read", extra={"collection": collection.name})
            fault = VersionCorrupt(f"index version '{active}' cannot be loaded: {error}")
            self._failed(collection, state, active, fault)
        else:
            state.loaded, state.failure = loaded, None
            self._on_loop(self._swap, loaded)
            fields = {"seconds": round(time.perf_counter() - started, 3), "index_version": active}
            logger.info("index version loaded", extra={"collection": collection.name, **fields})

    def _is_settled(self, name: str, state: _Followed, active: str) -> bool:
        """Whether there is nothing to do for the active version now."""
        if state.loaded is not None and state.loaded.index_version == active:
            if state.failure is not None:  # went back to the version that served all along
                state.failure = None
                self._on_loop(self._settled, name, active)
            return True
        is_asked = name in self._retry
        self._retry.discard(name)
        failed = state.failure is not None and state.failure.index_version == active
        return failed and not is_asked and time.monotonic() < state.retry_at

    def _failed(self, collection: Collection, state: _Followed, version: str, error: RetrievalError) -> None:
        same = state.failure is not None and state.failure.index_version == version
        attempts = state.failure.attempts + 1 if same and state.failure else 1
        state.failure = Failure(version, error, attempts)
        state.retry_at = time.monotonic() + self._settings.reload.retry_seconds
        fields = {"index_version": version, "code": error.code, "detail": error.message, "attempts": attempts}
        logger.error("index version failed to load", extra={"collection": collection.name, **fields})
        self._on_loop(self._fail, collection.name, state.failure)

    def _close_idle(self) -> None:
        while not self._idle.empty():
            self._idle.get().close()

    def _on_loop(self, call: Callable[..., object], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    # What follows runs on the event loop.

    def _scanned(self) -> None:
        self._slots.is_scanned = True
        self._metrics.read_process()

    def _settled(self, name: str, active: str) -> None:
        slot = self._slots.see(name, active)
        slot.failure = None
        self._metrics.load_recovered(name)
        slot.notify()

    def _fail(self, name: str, failure: Failure) -> None:
        slot = self._slots.see(name, failure.index_version)
        slot.failure = failure
        self._metrics.load_failed(name)
        slot.notify()

    def _swap(self, loaded: Loaded) -> None:
        slot = self._slots.see(loaded.collection, loaded.index_version)
        old, slot.loaded, slot.failure = slot.loaded, loaded, None
        loaded.serve(self._live_recall)
        if slot.candidate is not None:
            slot.candidate = None if slot.candidate.loaded is loaded else slot.candidate.beside(loaded)
            self._metrics.shadow.tried(loaded.collection, slot.candidate)
        self._metrics.swapped(loaded)
        slot.notify()
        if old is not None:
            old.retire(self._idle.put)

    def _try(self, name: str, candidate: Candidate | None) -> None:
        slot = self._slots.get(name)
        old, slot.candidate = slot.candidate, candidate
        self._metrics.shadow.tried(name, candidate)
        slot.notify()
        if old is not None and old.loaded is not None and (candidate is None or candidate.loaded is not old.loaded):
            old.loaded.retire(self._idle.put)
