import asyncio
import threading
from pathlib import Path

import pytest

from service.call import Call
from service.errors import NotReady
from service.logs import RequestLog
from service.serving import Serving
from tests.service.conftest import settings_for


def test_it_starts_loading_captures_and_ends_every_thread(shop_root: Path) -> None:
    before = set(threading.enumerate())

    async def work() -> None:
        serving = Serving(settings_for(shop_root))
        await serving.start()
        with pytest.raises(NotReady):  # the loop had no turn yet, so nothing can have been swapped in
            serving.capture("shop", Call([], "/"))
        while serving.state()[0] != "ready":
            await asyncio.sleep(0.01)
        call = Call([], "/")
        slot, loaded = serving.capture("shop", call)
        assert slot.loaded is loaded
        assert (call.collection, call.bundle_id, call.index_version) == ("shop", loaded.bundle_id, loaded.index_version)
        await serving.stop()
        assert serving.state()[0] == "draining"

    asyncio.run(work())
    assert set(threading.enumerate()) <= before


def test_a_watcher_that_ended_is_failing(shop_root: Path) -> None:
    async def work() -> None:
        serving = Serving(settings_for(shop_root))
        await serving.start()
        assert serving.watcher is not None
        await asyncio.to_thread(serving.watcher.stop)
        assert serving.state()[0] == "failing"
        serving.slots.is_scanned = False  # as where it ended before it had looked at every collection
        await asyncio.wait_for(serving.first_look(), 10)
        await serving.stop()

    asyncio.run(work())


@pytest.mark.parametrize("how", ["scanned", "draining"])
def test_the_first_look_ends_when_all_was_seen_or_the_server_leaves(how: str, shop_root: Path) -> None:
    async def work() -> None:
        serving = Serving(settings_for(shop_root))
        if how == "draining":
            serving.slots.is_draining = True
        else:
            await serving.start()
        await asyncio.wait_for(serving.first_look(), 20)
        assert (serving.state()[0] == "ready") == (how == "scanned")
        await serving.stop()

    asyncio.run(work())


def test_dropped_log_lines_reach_the_metrics(shop_root: Path) -> None:
    serving = Serving(settings_for(shop_root), RequestLog(descriptor=-1, capacity=2))
    for _ in range(5):
        serving.finished(Call([], "/"))
    assert "tandem_log_lines_dropped_total 3.0" in serving.metrics.render().decode()
