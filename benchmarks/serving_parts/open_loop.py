"""Requests that arrive by themselves, whatever the server answers: a Poisson process over many connections."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.serving_parts.load import Answers, Connection, Look, connect

_PATIENCE_S = 15.0
_READ_EVERY = 8


def arrivals(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Times in [0, seconds) of a Poisson process of `rate` a second."""
    draw = random.Random(seed)
    at = draw.expovariate(rate)
    while at < seconds:
        yield at
        at += draw.expovariate(rate)


@dataclass(frozen=True)
class OpenLoop:
    """Requests at `rate` a second for `seconds`, over `connections` kept alive.

    An arrival takes the connection that has been free for longest, and waits where none is. Latencies count from the
    arrival, so that a server that is slow to free connections cannot hide it.
    """

    port: int
    requests: Sequence[bytes]
    rate: float
    seconds: float
    connections: int
    seed: int = 0
    look: Look | None = None

    async def run(self) -> Answers:
        """Send the requests, and wait for the last answer."""
        pool = _Pool(self)
        await pool.fill()
        started = time.monotonic()
        for turn, at in enumerate(arrivals(self.rate, self.seconds, self.seed)):
            while (wait := started + at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if turn % _READ_EVERY == 0:  # answers are read, too, where the generator is late
                await asyncio.sleep(0)
            pool.arrive(started + at, self.requests[turn % len(self.requests)])
        return await pool.finish()


@dataclass
class _Pool:
    told: OpenLoop
    answers: Answers = field(default_factory=Answers)
    free: deque[Connection] = field(default_factory=deque)
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    busy: int = 0
    reconnecting: set["asyncio.Task[None]"] = field(default_factory=set)

    async def fill(self) -> None:
        for _ in range(self.told.connections):
            self.free.append(await self._connect())

    def arrive(self, at: float, request: bytes) -> None:
        self.waiting.append((at, request))
        self._send_waiting()

    async def finish(self) -> Answers:
        seen, until = 0, time.monotonic() + _PATIENCE_S
        while self.busy or self.waiting:
            if len(self.answers.status) > seen:
                seen, until = len(self.answers.status), time.monotonic() + _PATIENCE_S
            if time.monotonic() > until:
                raise RuntimeError(f"{self.busy} requests got no answer in {_PATIENCE_S:g} s")
            await asyncio.sleep(0.01)
        for connection in self.free:
            connection.close()
        return self.answers

    def _send_waiting(self) -> None:
        while self.waiting and self.free:
            connection = self.free.popleft()
            if connection.is_lost:  # the server ended it while nothing was sent
                self._replace()
                continue
            at, request = self.waiting.popleft()
            self.answers.late_s.append(time.monotonic() - at)
            self.busy += 1
            connection.send(request, at)

    def _on_free(self, connection: Connection) -> None:
        self.busy -= 1
        if connection.is_lost:
            self._replace()
        else:
            self.free.append(connection)
        self._send_waiting()

    def _replace(self) -> None:
        task = asyncio.get_running_loop().create_task(self._add())
        self.reconnecting.add(task)
        task.add_done_callback(self.reconnecting.discard)

    async def _add(self) -> None:
        self.free.append(await self._connect())
        self._send_waiting()

    async def _connect(self) -> Connection:
        return await connect(self.told.port, self.answers, self._on_free, self.told.look)
