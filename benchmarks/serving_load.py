"""A load generator for its own process: keep-alive connections, prepared requests, little CPU of its own."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import uvloop


@dataclass(frozen=True)
class Load:
    """What one client process saw."""

    seconds: float
    latencies_s: list[float]
    statuses: dict[int, int]


class _Client(asyncio.Protocol):
    """One connection that sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, requests: Sequence[bytes], count: int, done: "asyncio.Future[None]") -> None:
        self._requests, self._count, self._done = requests, count, done
        self._sent = 0
        self._started = 0.0
        self._buffer = b""
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer once all of it is there."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.index(b"content-length: ") + 16
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else end])
        if len(self._buffer) < end + 4 + length:
            return
        self.latencies.append(time.perf_counter() - self._started)
        status = int(head[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self._buffer = b""
        if self._sent == self._count:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._send()

    def _send(self) -> None:
        self._started = time.perf_counter()
        self._transport.write(self._requests[self._sent % len(self._requests)])
        self._sent += 1


def run_client(pipe: Connection, port: int, bodies: Sequence[bytes], path: str, concurrency: int, count: int) -> None:
    """Send `count` requests over `concurrency` connections and put a Load into `pipe`."""
    pipe.send(uvloop.run(_run(port, [_request(path, body) for body in bodies], concurrency, count)))


async def _run(port: int, requests: list[bytes], concurrency: int, count: int) -> Load:
    loop = asyncio.get_running_loop()
    clients, waits = [], []
    started = time.perf_counter()
    for i in range(concurrency):
        done = loop.create_future()
        own = requests[i::concurrency] or requests
        connect = partial(_Client, own, count // concurrency, done)
        _, client = await loop.create_connection(connect, "127.0.0.1", port)
        clients.append(client)
        waits.append(done)
    await asyncio.gather(*waits)
    statuses: dict[int, int] = {}
    for client in clients:
        for status, n in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + n
    latencies = [latency for client in clients for latency in client.latencies]
    return Load(time.perf_counter() - started, latencies, statuses)


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
