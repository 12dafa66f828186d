import os
import subprocess
import sys
from pathlib import Path

from bundle.workspace import Workspace
from tests.service.tiny import make_collection

ROOT = Path(__file__).parents[2]
OPEN_BUNDLE = """
from pathlib import Path
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Workspace

collection = Workspace(Path({root!r})).collection("shop")
open_bundle(collection, list_bundles(collection)[0]).query.embed([{{"text": "mug"}}])
"""


def test_the_runtime_keeps_no_device_id_and_sends_nothing(tmp_path: Path) -> None:
    """Without the switch in bundle/__init__.py the runtime writes below ~/.cache/Microsoft."""
    root, home = tmp_path / "workspace", tmp_path / "home"
    home.mkdir()
    make_collection(Workspace(root).collection("shop"), tmp_path, count=3)
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    code = OPEN_BUNDLE.format(root=str(root))
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment | {"HOME": str(home)}, check=True)
    assert list(home.rglob("*")) == []
