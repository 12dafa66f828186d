"""When the next request may be sent, and all the waiting between requests; stopping ends every wait at once."""

import asyncio
import time


class Stopped(Exception):
    """A wait was ended because the run stops."""


class Pace:
    """Gives turns that lie at least a minute / `per_minute` apart; without a limit only `hold` delays them."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap_s = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._stop = asyncio.Event()

    @property
    def stopped(self) -> bool:
        """Whether no more requests are to be sent."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End every wait, now and from now on, with Stopped."""
        self._stop.set()

    def hold(self, seconds: float) -> None:
        """Give no turn for so long: the endpoint asked for a pause."""
        self._next = max(self._next, time.monotonic() + seconds)

    async def turn(self) -> None:
        """Return when it is this caller's turn; raises Stopped."""
        while True:
            now = time.monotonic()
            if now >= self._next:
                self._next = now + self._gap_s
                return await self.sleep(0)
            await self.sleep(self._next - now)

    async def sleep(self, seconds: float) -> None:
        """Wait; raises Stopped."""
        if not self.stopped and seconds > 0:
            try:
                await asyncio.wait_for(self._stop.wait(), seconds)
            except TimeoutError:
                return
        if self.stopped:
            raise Stopped
