"""POST activate: make another index version the served one, and wait until it is."""

import asyncio

import orjson

from bundle.workspace import Collection, Workspace
from index.store import activate, current
from service.call import Call
from service.errors import ActivationSuperseded, DeadlineExceeded
from service.loaded import Failure, Loaded
from service.parsing import parse_body
from service.schemas.collections import ActivateRequest
from service.serving import Serving
from service.slots import Slot

_LOOK_AGAIN_S = 0.25


class ActivateHandler:
    """Answers activate requests."""

    __name__ = "activate"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Serve another index version, after it was loaded, verified and warmed.

        Needs a key with the scope admin, as `Authorization: Bearer <key>`. The version that serves keeps serving until
        the new one is ready, and goes on when the new one cannot be loaded.
        """
        self._serving.access.check(call, collection, "admin")
        slot = self._serving.slots.get(collection)
        version = parse_body(ActivateRequest, body).version
        folder = Workspace(self._serving.settings.workspace).collection(collection)
        previous = await asyncio.to_thread(current, folder)
        await asyncio.to_thread(activate, folder, version)
        loaded = await self._served(slot, folder, version)
        call.collection, call.bundle_id, call.index_version = slot.name, loaded.bundle_id, loaded.index_version
        return orjson.dumps(
            {
                "collection": slot.name,
                "bundle_id": loaded.bundle_id,
                "index_version": loaded.index_version,
                "previous_version": previous,
            }
        )

    async def _served(self, slot: Slot, folder: Collection, version: str) -> Loaded:
        """Wait until `slot` serves `version`; raises what its load raised, or that another version was activated."""
        watcher = self._serving.watcher
        seen = slot.failure
        if watcher is not None:
            watcher.look_now(retry=slot.name)
        limit = self._serving.settings.reload.activate_timeout_s
        try:
            async with asyncio.timeout(limit):
                while True:
                    changed = slot.changed()  # taken before the checks, so that no change falls between them and it
                    try:
                        if (loaded := await _outcome(slot, folder, version, seen)) is not None:
                            return loaded
                        # Going back to the served version changes nothing in the slot, so CURRENT is read again soon.
                        await asyncio.wait([changed], timeout=_LOOK_AGAIN_S)
                    finally:
                        changed.cancel()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"'{version}' is active but not loaded after {limit:g} s; it is swapped in once it is"
            ) from error


async def _outcome(slot: Slot, folder: Collection, version: str, seen: Failure | None) -> Loaded | None:
    """What `slot` serves if it is `version`; None while that is undecided; raises why it will not be served."""
    if slot.loaded is not None and slot.loaded.index_version == version:
        return slot.loaded
    failure = slot.failure
    if failure is not None and failure is not seen and failure.index_version == version:
        raise failure.error
    if await asyncio.to_thread(current, folder) != version:
        raise ActivationSuperseded(f"another version than '{version}' was activated meanwhile")
    return None
