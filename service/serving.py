"""Everything that lives as long as the application: slots, watcher, metrics and the request log."""

import asyncio
import logging
import os
from functools import partial
from pathlib import Path

from service.access import Access
from service.batching import Batcher
from service.call import Call
from service.live_recall import LiveRecall
from service.loaded import Loaded
from service.logs import RequestLog
from service.metrics import Metrics
from service.settings import Settings
from service.settings_file import SettingsFile, SettingsWatch
from service.shadow.shadowing import Shadowing
from service.shadow.tally import TallyFolder
from service.slots import Slot, Slots
from service.traces import open_traces
from service.watcher import Watcher

_LOOK_SECONDS = 0.02


class Serving:
    """The running parts of one application; started and stopped by its lifespan."""

    def __init__(
        self, settings: Settings, request_log: RequestLog | None = None, settings_file: SettingsFile | None = None
    ) -> None:
        self.settings = settings
        self._settings_file = settings_file or SettingsFile(None)
        self.access = Access(settings.security)
        self.metrics = Metrics()
        self.live_recall = LiveRecall(settings.live_recall.core_share, self.metrics.recall)
        self.shadowing = Shadowing(
            settings.shadow.core_share,
            TallyFolder(_shared_folder(), os.getpid()),
            self.metrics.shadow.searched,
            self.metrics.shadow.reported,
        )
        self.slots = Slots(self._make_batcher)
        self.watcher: Watcher | None = None
        self.traces = open_traces(settings.traces)
        self._request_log = request_log
        if request_log is None and settings.logs.requests:
            self._request_log = RequestLog()
        if self._request_log is not None:
            self._request_log.on_dropped = self.metrics.log_lines_dropped

    async def start(self) -> None:
        """Begin to load; requests are answered with 503 until what they need is there."""
        if self._request_log is not None:
            self._request_log.start()
        loop = asyncio.get_running_loop()
        self.live_recall.start()
        self.shadowing.start()
        look = SettingsWatch(
            self._settings_file,
            self.settings,
            lambda settings: loop.call_soon_threadsafe(self.use, settings),
            self.metrics.process.settings_read,
            self.metrics.process.settings_failed,
        ).look
        self.watcher = Watcher(self.settings, self.slots, self.metrics, self.live_recall, loop, look)
        self.watcher.start()

    async def first_look(self) -> None:
        """Wait until every active collection was loaded or failed to, or until nobody loads any more.

        One of several workers takes no connection before that: its siblings answer meanwhile, and who asks `/readyz`
        cannot say which of them shall answer.
        """
        while not (self.slots.is_scanned or self.slots.is_draining or self._has_watcher_ended()):
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Finish what is queued, then end every thread."""
        self.slots.is_draining = True
        for slot in self.slots:
            await asyncio.to_thread(slot.batcher.close)
        await asyncio.to_thread(self.live_recall.stop)
        await asyncio.to_thread(self.shadowing.stop)
        if self.watcher is not None:
            await asyncio.to_thread(self.watcher.stop)
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)
        if self._request_log is not None:
            await asyncio.to_thread(self._request_log.close)

    def use(self, settings: Settings) -> None:
        """Go on with other settings, of which only what needs no restart differs; called on the event loop.

        Requests are handled on the same loop, so each finds all of the old ones or all of these.
        """
        if settings.logs.level != self.settings.logs.level:
            logging.getLogger().setLevel(settings.logs.level.upper())
        self.settings = settings
        self.live_recall.core_share = settings.live_recall.core_share
        self.shadowing.core_share = settings.shadow.core_share
        for slot in self.slots:
            slot.batcher.use(settings.batching)
        if self.watcher is not None:
            self.watcher.use(settings)
        if self.traces is not None:
            self.traces.sample_share = settings.traces.sample_share

    def finished(self, call: Call) -> None:
        """Count and log an answered request."""
        self.metrics.request(call)
        if self.traces is not None:
            self.traces.finished(call)
        if self._request_log is not None:
            self._request_log.write(call)

    def capture(self, collection: str, call: Call) -> tuple[Slot, Loaded]:
        """The slot and the one version that a request is answered with.

        Raises UnknownCollection, NotReady, Overloaded where the queue has no room or, where the key does not open the
        collection, KeyNotAllowed.
        """
        self.access.check(call, collection)
        slot = self.slots.get(collection)
        slot.batcher.check_room(call)  # before the body is parsed, which costs more than to refuse
        loaded = slot.serving()
        call.collection = slot.name
        call.bundle_id = loaded.bundle_id
        call.index_version = loaded.index_version
        return slot, loaded

    def state(self) -> tuple[str, str]:
        """The state of the slots, and 'failing' when the watcher ended."""
        if self._has_watcher_ended() and not self.slots.is_draining:
            return "failing", "the thread that follows new versions ended; restart the server"
        return self.slots.state()

    def _has_watcher_ended(self) -> bool:
        return self.watcher is not None and not self.watcher.is_alive()

    def _make_batcher(self, name: str) -> Batcher:
        batcher = Batcher(
            name,
            self.settings.batching,
            asyncio.get_running_loop(),
            partial(self.metrics.batch, name),
            partial(self.metrics.shed, name),
        )
        self.metrics.watch_pending(name, batcher.pending)
        return batcher


def _shared_folder() -> Path | None:
    """The folder that the processes of one server share, where there are several."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return None if folder is None else Path(folder)
