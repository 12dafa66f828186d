import asyncio
from typing import Any

import pytest

from bundle.errors import RetrievalError
from service.batching import Batcher
from service.errors import NotReady, UnknownCollection
from service.loaded import Failure
from service.settings import BatchingSettings
from service.slots import Slots


def _scenario(work: Any) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        slots = Slots(lambda name: Batcher(name, BatchingSettings(), loop, lambda _: None, lambda _: None))
        try:
            await work(slots)
        finally:
            for slot in slots:
                await asyncio.to_thread(slot.batcher.close)

    asyncio.run(run())


def test_before_the_first_look_nothing_is_known() -> None:
    async def work(slots: Slots) -> None:
        assert slots.state()[0] == "loading"
        with pytest.raises(NotReady):
            slots.get("shop")
        slots.is_scanned = True
        assert slots.state() == ("ready", "")
        with pytest.raises(UnknownCollection):
            slots.get("shop")

    _scenario(work)


def test_a_collection_is_ready_once_it_is_loaded() -> None:
    async def work(slots: Slots) -> None:
        slots.is_scanned = True
        slot = slots.see("shop", "v1")
        assert slots.see("shop", "v2") is slot and slot.active_version == "v2"
        assert slots.state()[0] == "loading"
        with pytest.raises(NotReady, match="being loaded"):
            slot.serving()
        slot.failure = Failure("v2", RetrievalError("ids.arrow is torn"), 1)
        assert slots.state() == ("failing", "collection 'shop': ids.arrow is torn")
        with pytest.raises(NotReady, match=r"ids\.arrow is torn"):
            slot.serving()

    _scenario(work)


def test_waiters_hear_of_a_change() -> None:
    async def work(slots: Slots) -> None:
        slot = slots.see("shop", "v1")
        first, gone = slot.changed(), slot.changed()
        gone.cancel()
        slot.notify()
        await first
        assert not slot.changed().done()

    _scenario(work)


def test_waiters_that_gave_up_are_forgotten() -> None:
    async def work(slots: Slots) -> None:
        slot = slots.see("shop", "v1")
        for _ in range(5):
            slot.changed().cancel()
        assert not slot.changed().done()
        assert len(slot._waiters) == 1

    _scenario(work)
