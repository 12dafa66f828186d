"""A killed build, rebuild, activation, rollback or garbage collection costs nothing but the time it took."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.crashes import AFTER, BEFORE, OPERATIONS

ROOT = Path(__file__).parents[2]
# Far fewer steps would mean that the steps are no longer seen, not that the work became simpler.
LEAST_STEPS = {"build": 10, "rebuild": 30, "activate": 6, "rollback": 6, "gc": 8}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("crashes")
    command = [sys.executable, "-m", "tests.flows.crashes", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_step_is_killed_a_whole_version_serves_and_the_next_rebuild_succeeds(
    crashes: dict[str, Any], name: str
) -> None:
    crash = crashes[name]
    assert crash["status"] == 0
    assert len(crash["found"]) >= LEAST_STEPS[name]
    for found in crash["found"]:
        assert found["status"] == 0, found
        assert found["first"]["count"] == (BEFORE if found["first"]["version"] in crash["versions"] else AFTER)
        assert found["outcome"] in {"activated", "unchanged"}, found
        assert found["then"]["count"] == AFTER, found
        assert found["left"] == [], found


def test_a_switch_is_one_step(crashes: dict[str, Any]) -> None:
    """Before it the old version serves, after it the new one, and there is nothing between and no way back."""
    for name, place in (("activate", 2), ("rollback", 0), ("rebuild", None)):
        versions, old = crashes[name]["versions"], crashes[name]["before"]
        served = [found["first"]["version"] for found in crashes[name]["found"]]
        n_old = served.count(old)
        assert n_old > 0
        assert served == [old] * n_old + served[n_old:]
        for version in served[n_old:]:
            assert version == versions[place] if place is not None else version not in versions


def test_garbage_collection_never_changes_what_serves(crashes: dict[str, Any]) -> None:
    assert {found["first"]["version"] for found in crashes["gc"]["found"]} == {crashes["gc"]["before"]}
