"""The service as a child process, for the demo: started, waited for, asked, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from bundle.errors import RetrievalError
from cli.console import say

READY_TIMEOUT_S = 60.0
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class ServerFailed(RetrievalError):
    """The service did not start, or did not answer as it should."""

    code = "server-failed"


class ServerProcess:
    """`tandem serve` over one workspace, ready when the block begins and gone when it ends."""

    def __init__(self, workspace: Path, port: int) -> None:
        self._workspace = workspace
        self._port = port or _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._handlers: dict[signal.Signals, Any] = {}
        self._caught: int | None = None
        self._may_raise = False

    def __enter__(self) -> Self:
        """Start the server; raises ServerFailed when the port is taken, it ends, or is not ready in time.

        Until the block ends SIGTERM and SIGHUP raise SystemExit in it, so that they end the server too.
        """
        _check_port(self._port)
        command = [sys.executable, "-m", "cli", "serve", "--port", str(self._port), "--workspace", str(self._workspace)]
        environment = os.environ | {"TANDEM_LOGS__LEVEL": "warning", "TANDEM_LOGS__REQUESTS": "false"}
        # A session of its own: Ctrl-C reaches this process alone, which then stops the server in order.
        self._catch_signals()
        try:
            self._process = subprocess.Popen(command, env=environment, start_new_session=True)
        except BaseException:
            self._release_signals()
            raise
        try:
            self._may_raise = True
            if self._caught is not None:
                raise SystemExit(128 + self._caught)
            self._await_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let open requests finish, then end the server."""
        self._stop()

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON answer to a POST; raises ServerFailed with the server's own words."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content: dict[str, Any] = json.load(answer)
                return content
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")
            raise ServerFailed(f"{path} was answered with {error.code}: {detail}") from error

    def wait(self) -> None:
        """Return when the server ends; raises ServerFailed when it failed."""
        if code := self._process.wait():
            raise ServerFailed(f"the server ended with exit code {code}; its log above says why")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerFailed(
                    f"the server ended with exit code {self._process.returncode} while starting; is port {self._port} "
                    "taken? choose another with --port"
                )
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ServerFailed(f"the server was not ready within {READY_TIMEOUT_S:.0f} s; its log above says why")

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():  # no other thread may, nor gets any
            self._handlers = {number: signal.signal(number, self._on_signal) for number in _ENDING_SIGNALS}

    def _release_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._caught = number
        if self._may_raise:
            raise SystemExit(128 + number)

    def _stop(self) -> None:
        self._may_raise = False
        try:
            self._end_process()
        finally:
            self._release_signals()

    def _end_process(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                say("the server did not stop in 10 s and is killed")
                self._process.kill()
                self._process.wait()


def _check_port(port: int) -> None:
    """Raise ServerFailed when the port cannot be had: whoever holds it would be asked in the server's place."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServerFailed(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
