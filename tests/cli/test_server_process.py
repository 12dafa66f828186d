import signal
import socket
from pathlib import Path

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
    assert process.returncode in (0, -signal.SIGTERM)  # uvicorn drains, then ends by the signal it got


def test_a_taken_port_is_told(workspace: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(ServerFailed, match="choose another with --port"),
            ServerProcess(workspace, taken.getsockname()[1]),
        ):
            pytest.fail("the server cannot be ready")
