"""How a server leaves: it first says that it is going, and only then stops taking connections.

On SIGTERM `/readyz` answers 503 and every answer asks its client to close the connection, while requests are still
taken; after the notice the server shuts down as uvicorn does, which finishes what it has. So a load balancer and
clients with open connections go elsewhere before a connection is refused.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

from service.slots import Slots


@contextlib.contextmanager
def notice_before_exit(slots: Slots, notice_s: float) -> Iterator[None]:
    """While open, SIGTERM marks `slots` as draining and is passed on `notice_s` seconds later.

    A second signal, or one that Ctrl-C sends, is passed on at once. To be opened in the main thread, on the server's
    event loop, after the server has installed its own handler.
    """
    loop = asyncio.get_running_loop()
    pass_on: Any = signal.getsignal(signal.SIGTERM)

    def on_signal(number: int, frame: FrameType | None) -> None:
        wait_s = 0.0 if slots.is_draining else notice_s
        slots.is_draining = True
        if wait_s:
            loop.call_soon_threadsafe(loop.call_later, wait_s, pass_on, number, frame)
        else:
            pass_on(number, frame)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, pass_on)
