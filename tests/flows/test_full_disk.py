"""A disk that really fills up: no half bundle, the old one and its index still open, one error that names the path."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MOUNT = 'mount -t tmpfs -o size=8m none "$1"'


def may_mount(folder: Path) -> bool:
    command = ["unshare", "-rm", "sh", "-c", MOUNT, "sh", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def runs(how: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.flows.full_disk", how, str(folder)]
    if how == "fill":
        command = ["unshare", "-rm", "sh", "-c", MOUNT + ' && shift && exec "$@"', "sh", str(folder), *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("how", "reason"), [("limit", "File too large"), ("fill", "No space left on device")])
def test_a_disk_that_fills_up_leaves_what_was_there(how: str, reason: str, tmp_path: Path) -> None:
    if how == "fill" and not may_mount(tmp_path):
        pytest.skip("a small file system cannot be mounted here (unshare -rm and mount are not permitted)")
    found = runs(how, tmp_path)
    before = found["before"]
    assert before["bundles"] == [found["first"]["out"]]
    assert before["index"] == found["first"]["index"]["out"]
    for failed, path in (
        ("checkpoint", "shop/training/select.checkpoint"),
        ("bundle_200", "shop/bundles"),
        ("bundle_100000", "shop/bundles"),
    ):
        assert found[failed]["code"] == 1
        assert found[failed]["out"] == ""
        errors = [line for line in found[failed]["error"].splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert path in errors[0]
        assert reason in errors[0]
        assert found[f"after_{failed}"] == before
