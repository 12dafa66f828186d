"""Requests to a server from a process of its own: keep-alive connections, prepared bytes, little CPU of its own.

A job is told to a fresh `benchmarks.serving_parts.client`, which imports next to nothing, and comes back as Answers.
"""

import asyncio
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.report import ROOT

# What is noted of an answer that nobody looks into, and the status of one that never came.
NOTHING, LOST = 0, 0
JSON = "application/json"
Look = Callable[[bytes], int]


@dataclass
class Answers:
    """What a client saw, one entry a request in every list; `sent_s` is a time of `time.monotonic`.

    Where requests arrive by themselves, `sent_s` is when they arrived, which latencies count from, and `late_s` by how
    much later each was written. `wall_s` and `cpu_s` are those of the client from the first request to the last answer.
    """

    sent_s: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    note: list[int] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def add(self, sent_s: float, status: int, note: int) -> None:
        """Note an answer that came just now."""
        self.sent_s.append(sent_s)
        self.latency_s.append(time.monotonic() - sent_s)
        self.status.append(status)
        self.note.append(note)

    def latencies_of(self, status: int) -> list[float]:
        """Seconds of the requests that were answered so."""
        return [s for s, found in zip(self.latency_s, self.status, strict=True) if found == status]

    def share_of(self, status: int) -> float:
        """Share of the requests that were answered so."""
        return self.status.count(status) / len(self.status)

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return len(self.status) - self.status.count(200)

    @property
    def qps(self) -> float:
        """Requests answered with 200 in a second."""
        return self.status.count(200) / self.wall_s


class Job(Protocol):
    """What a client process is told."""

    async def run(self) -> Answers:
        """Send the requests."""


@dataclass(frozen=True)
class ClosedLoop:
    """Connections that each send the next request once the last one is answered; `count` requests together.

    `look` says in one number what there is to see in a body.
    """

    port: int
    requests: Sequence[bytes]
    concurrency: int
    count: int
    look: Look | None = None

    async def run(self) -> Answers:
        """Send the requests."""
        answers, turns = Answers(), iter(range(self.count))
        await asyncio.gather(*[self._take_turns(turns, answers) for _ in range(min(self.concurrency, self.count))])
        return answers

    async def _take_turns(self, turns: Iterator[int], answers: Answers) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def next_one(connection: Connection) -> None:
            turn = next(turns, None)
            if turn is None or connection.is_lost:
                done.set_result(None)
            else:
                connection.send(self.requests[turn % len(self.requests)])

        connection = await connect(self.port, answers, next_one, self.look)
        next_one(connection)
        await done
        connection.close()


class Connection(asyncio.Protocol):
    """One connection, one request at a time; `on_free` is called when its answer is whole, or will never be."""

    def __init__(self, answers: Answers, on_free: Callable[["Connection"], None], look: Look | None) -> None:
        self._answers, self._on_free, self._look = answers, on_free, look
        self._buffer = b""
        self._whole = 0
        self._status = LOST
        self._sent_s: float | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what requests are written to."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, since_s: float | None = None) -> None:
        """Send a request; the last one must be answered. Its latency counts from now, or from `since_s`."""
        self._sent_s = time.monotonic() if since_s is None else since_s
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count an answer once all of it is there."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._whole:
            end = self._buffer.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            self._status, length = read_head(self._buffer[:end])
            self._whole = end + length
        if len(self._buffer) >= self._whole:
            body, self._buffer, self._whole = self._buffer, b"", 0
            self._finish(self._status, NOTHING if self._look is None else self._look(body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a request that was under way as lost."""
        self.is_lost = True
        self._finish(LOST, NOTHING)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def _finish(self, status: int, note: int) -> None:
        if self._sent_s is not None:
            self._answers.add(self._sent_s, status, note)
            self._sent_s = None
            self._on_free(self)


async def connect(
    port: int, answers: Answers, on_free: Callable[[Connection], None], look: Look | None = None
) -> Connection:
    """A new connection to this machine."""
    make = partial(Connection, answers, on_free, look)
    return (await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port))[1]


def read_head(head: bytes) -> tuple[int, int]:
    """Status and length of the body of an answer, from its head."""
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    return int(lower[9:12]), int(lower[start : lower.index(b"\r\n", start)])


def post(path: str, body: bytes, key: str = "", content_type: str = JSON, **headers: str) -> bytes:
    """The bytes of a POST request; underscores in the names of headers are hyphens."""
    told: Mapping[str, str] = {"authorization": f"Bearer {key}"} if key else {}
    told = {"host": "localhost", "content-type": content_type, **told, **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def in_client(job: Job) -> Answers:
    """Do the job in a process of its own, told and answered by files: a pipe would be shared with the event loop."""
    with tempfile.TemporaryDirectory() as folder:
        told, seen = Path(folder) / "job", Path(folder) / "answers"
        told.write_bytes(pickle.dumps(job))
        command = [sys.executable, "-m", "benchmarks.serving_parts.client", str(told), str(seen)]
        subprocess.run(command, check=True, cwd=ROOT)
        answers: Answers = pickle.loads(seen.read_bytes())
    return answers
