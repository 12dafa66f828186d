"""The server as its own process, as it is run in production."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.service.running import wait_until

ADMIN_KEY = "an-admin-key-for-tests"


@dataclass(frozen=True)
class ServerProcess:
    """`process` is the server, or the parent of its workers."""

    process: subprocess.Popen[bytes]
    url: str

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz").status_code == 200
        return False


@contextlib.contextmanager
def serving_process(
    root: Path, tmp_path: Path, stderr: IO[bytes], *, prelude: str = "", **server: float
) -> Iterator[ServerProcess]:
    """A ready server over `root`; `server`: its section of settings, `prelude`: code that its process runs first."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    config = tmp_path / "server.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in {"port": port, "drain_notice_s": 0, **server}.items())
    config.write_text(f'workspace = "{root}"\n[server]\n{lines}\n[reload]\npoll_seconds = 0.05\n')
    code = f"{prelude}\nfrom pathlib import Path; from service.server import serve; serve(Path({str(config)!r}))"
    environment = {**os.environ, "TANDEM_SECURITY__ADMIN_KEY": ADMIN_KEY}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=stderr, env=environment)
    running = ServerProcess(process, f"http://127.0.0.1:{port}")
    try:
        wait_until(running.is_ready)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
