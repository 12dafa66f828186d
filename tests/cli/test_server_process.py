import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bundle.workspace import Workspace
from cli.server_process import ServerFailed, ServerProcess
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from tests.tiny import tiny_bundle


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    collection = Workspace(tmp_path).collection("shop")
    tiny_bundle(collection)
    (tmp_path / "items.csv").write_text("item_id,title\na,red mug\nb,blue lamp\n")
    activate(collection, build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.csv")))
    return tmp_path


def test_a_served_workspace_answers_and_ends_in_order(workspace: Path) -> None:
    with ServerProcess(workspace, 0) as server:
        answer = server.post("/v1/collections/shop/search", {"queries": [{"title": "red mug"}], "k": 1})
        assert answer["results"][0]["hits"][0]["item_id"] == "a"
        with pytest.raises(ServerFailed, match="answered with 404"):
            server.post("/v1/collections/nowhere/search", {"item_ids": ["a"]})
        process = server._process
    assert process.returncode == 0


def test_a_taken_port_is_told(workspace: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(ServerFailed, match="choose another with --port"),
            ServerProcess(workspace, taken.getsockname()[1]),
        ):
            pytest.fail("the server cannot be ready")


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        pytest.fail("the server of another would be asked")

    monkeypatch.setattr("subprocess.Popen", start)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = ServerProcess(tmp_path, taken.getsockname()[1])
        with pytest.raises(ServerFailed, match="choose another with --port"):
            server.__enter__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_this_process_ends_the_server_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    popen = subprocess.Popen

    def sleeper(*_: object, **options: Any) -> "subprocess.Popen[bytes]":
        return popen([sys.executable, "-c", "import time; time.sleep(60)"], **options)

    def handler(*_: object) -> None:
        return None

    monkeypatch.setattr("subprocess.Popen", sleeper)
    monkeypatch.setattr(ServerProcess, "_await_ready", lambda _: None)
    before = signal.signal(number, handler)
    try:
        with pytest.raises(SystemExit) as end, ServerProcess(tmp_path, 0) as server:
            os.kill(os.getpid(), number)
        assert end.value.code == 128 + number
        assert server._process.returncode == -signal.SIGTERM
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
