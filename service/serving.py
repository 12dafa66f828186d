"""Everything that lives as long as the application: slots, watcher, metrics and the request log."""

import asyncio
from functools import partial

from service.access import Access
from service.batching import Batcher
from service.call import Call
from service.live_recall import LiveRecall
from service.loaded import Loaded
from service.logs import RequestLog
from service.metrics import Metrics
from service.settings import Settings
from service.slots import Slot, Slots
from service.watcher import Watcher

_LOOK_SECONDS = 0.02


class Serving:
    """The running parts of one application; started and stopped by its lifespan."""

    def __init__(self, settings: Settings, request_log: RequestLog | None = None) -> None:
        self.settings = settings
        self.access = Access(settings.security)
        self.metrics = Metrics()
        self.live_recall = LiveRecall(settings.live_recall.core_share, self.metrics.recall)
        self.slots = Slots(self._make_batcher)
        self.watcher: Watcher | None = None
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
        self.watcher = Watcher(self.settings, self.slots, self.metrics, self.live_recall, loop)
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
        if self.watcher is not None:
            await asyncio.to_thread(self.watcher.stop)
        if self._request_log is not None:
            await asyncio.to_thread(self._request_log.close)

    def finished(self, call: Call) -> None:
        """Count and log an answered request."""
        self.metrics.request(call)
        if self._request_log is not None:
            self._request_log.write(call)

    def capture(self, collection: str, call: Call) -> tuple[Slot, Loaded]:
        """The slot and the one version that a request is answered with.

        Raises UnknownCollection, NotReady or, where the key does not open the collection, KeyNotAllowed.
        """
        self.access.check(call, collection)
        slot = self.slots.get(collection)
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
