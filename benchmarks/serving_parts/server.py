"""Servers as processes: started as a user starts them, on a free port, and asked what they cost."""

import contextlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from benchmarks.report import ROOT
from benchmarks.serving_parts.load import Answers, ClosedLoop, in_client, post
from service.keys import create_key

MEGABYTE = 1e6
_READY_WITHIN_S, _POLL_S = 120.0, 0.01
Settings = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Server:
    """A server that is ready; `ready_s` and `ready_cpu_s` are what that took."""

    process: psutil.Process
    port: int
    key: str = ""
    ready_s: float = 0.0
    ready_cpu_s: float = 0.0

    def cpu_s(self) -> float:
        """User and system seconds of the process and its children."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    def rss_mb(self) -> float:
        """Resident memory of the process and its children, mapped files included."""
        return sum(one.memory_info().rss for one in (self.process, *self.process.children(recursive=True))) / MEGABYTE

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> tuple[int, bytes]:
        """Status and body of one answer."""
        return ask(self.port, "POST", path, body, {"content-type": content_type, "authorization": f"Bearer {self.key}"})

    def metric(self, name: str) -> float:
        """The sum of a metric of this name over its labels; 0 where it is not there yet."""
        _, content = ask(self.port, "GET", "/metrics", None, {"authorization": f"Bearer {self.key}"})
        text = content.decode()
        return sum(float(found) for found in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def requests(self, path: str, bodies: Sequence[bytes], content_type: str = "application/json") -> list[bytes]:
        """The bytes of a POST request of every body, with the key."""
        return [post(path, body, self.key, content_type) for body in bodies]

    def closed_loop(self, requests: Sequence[bytes], concurrency: int, count: int) -> tuple[Answers, float]:
        """What a client saw, and the CPU microseconds of a request; raises RuntimeError where one failed."""
        before = self.cpu_s()
        answers = in_client(ClosedLoop(self.port, requests, concurrency, count))
        cpu_us = (self.cpu_s() - before) / len(answers.status) * 1e6
        if answers.failed:
            raise RuntimeError(f"{answers.failed} of {len(answers.status)} requests were not answered with 200")
        return answers, cpu_us


@contextlib.contextmanager
def serving(workspace: Path, settings: Settings | None = None) -> Iterator[Server]:
    """`tandem serve` over the workspace, ready, with an API key, metrics, and every request logged to a file.

    `settings`: sections of the config file, over those.
    """
    port, keys = free_port(), workspace / "keys.json"
    keys.unlink(missing_ok=True)
    key = create_key(keys, "benchmark", frozenset({"read", "admin"}), None)
    sections: dict[str, Mapping[str, object]] = {
        "server": {"port": port},
        "security": {"keys_file": str(keys)},
        "logs": {"level": "info", "requests": True},
        **(settings or {}),
    }
    config = workspace / "server.toml"
    config.write_text(f"workspace = {json.dumps(str(workspace))}\n{toml_of(sections)}")
    command = [sys.executable, "-m", "cli", "serve", "--config", str(config)]
    with running(command, port, "/readyz", workspace / "server.log", key) as server:
        yield server


@contextlib.contextmanager
def running(command: Sequence[str], port: int, ready: str, log: Path, key: str = "") -> Iterator[Server]:
    """A server process that answers `ready` with 200; ended afterwards. Its stderr goes to `log`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    environment = own | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(ROOT)}
    with log.open("w") as file:
        started = time.monotonic()
        process = subprocess.Popen(command, stderr=file, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment)
        try:
            _wait_until_ready(process, port, ready, log)
            ready_s, seen = time.monotonic() - started, psutil.Process(process.pid)
            times = seen.cpu_times()
            yield Server(seen, port, key, ready_s, times.user + times.system)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "GET", path)[0] == 200:
                return
        time.sleep(_POLL_S)
    process.kill()
    raise RuntimeError(f"the server did not become ready:\n{log.read_text()[-2000:]}")


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of one answer, over a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def free_port() -> int:
    """A port of its own: a server that is left from another run would answer in place of the measured one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def toml_of(sections: Settings) -> str:
    """Sections of plain values as TOML, whose strings, numbers, booleans and lists are written as in JSON."""
    blocks = (
        [f"[{name}]", *(f"{key} = {orjson.dumps(value).decode()}" for key, value in section.items())]
        for name, section in sections.items()
    )
    return "\n".join(line for block in blocks for line in block) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that at least `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile, in milliseconds."""
    return {"p50_ms": statistics.median(seconds) * 1e3, "p99_ms": percentile(seconds, 0.99) * 1e3}
