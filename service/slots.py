"""What is served right now, by collection; owned by the event loop's thread."""

import asyncio
from collections.abc import Callable, Iterator

from service.batching import Batcher
from service.errors import NotReady, UnknownCollection
from service.loaded import Failure, Loaded
from service.shadow.candidate import Candidate


class Slot:
    """One collection: the version it answers with, the candidate beside it, the queue, what its watcher last saw."""

    def __init__(self, name: str, batcher: Batcher) -> None:
        self.name = name
        self.batcher = batcher
        self.loaded: Loaded | None = None
        self.active_version: str | None = None
        self.failure: Failure | None = None
        self.candidate: Candidate | None = None
        self._waiters: list[asyncio.Future[None]] = []

    def serving(self) -> Loaded:
        """The version to answer one request with, taken once a request; raises NotReady before the first load."""
        if self.loaded is not None:
            return self.loaded
        why = f": {self.failure.error.message}" if self.failure else "; it is being loaded"
        raise NotReady(f"collection '{self.name}' serves no index version yet{why}", retry_after_s=1)

    def changed(self) -> asyncio.Future[None]:
        """A future that ends with the next swap or failed load."""
        future = asyncio.get_running_loop().create_future()
        self._waiters = [waiter for waiter in self._waiters if not waiter.done()]
        self._waiters.append(future)
        return future

    def notify(self) -> None:
        """Wake whoever waits for a change."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Slots:
    """All collections that are served or shall be."""

    def __init__(self, make_batcher: Callable[[str], Batcher]) -> None:
        self._make_batcher = make_batcher
        self._slots: dict[str, Slot] = {}
        self.is_scanned = False
        self.is_draining = False

    def __iter__(self) -> Iterator[Slot]:
        return iter([self._slots[name] for name in sorted(self._slots)])

    def get(self, name: str) -> Slot:
        """The slot of a collection; raises UnknownCollection that lists what is served."""
        slot = self._slots.get(name)
        if slot is None:
            if not self.is_scanned:
                raise NotReady("the collections are being loaded; try again", retry_after_s=1)
            served = ", ".join(sorted(self._slots)) or "none"
            raise UnknownCollection(f"no collection '{name[:128]}' is served; there are: {served}")
        return slot

    def see(self, name: str, active_version: str) -> Slot:
        """Note which version of a collection is active, and make its slot when it is new."""
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = Slot(name, self._make_batcher(name))
        slot.active_version = active_version
        return slot

    def state(self) -> tuple[str, str]:
        """('ready', '') or why the server is not: 'draining', 'loading' or 'failing', with a sentence."""
        if self.is_draining:
            return "draining", "the server is shutting down"
        for slot in self:
            if not slot.batcher.is_alive():
                return "failing", f"a worker thread of collection '{slot.name}' ended; restart the server"
        for slot in self:
            if slot.loaded is None and slot.failure is not None:
                return "failing", f"collection '{slot.name}': {slot.failure.error.message}"
            if slot.loaded is None:
                return "loading", f"collection '{slot.name}' is being loaded"
        return ("ready", "") if self.is_scanned else ("loading", "the collections are being loaded")
