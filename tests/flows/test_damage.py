"""Damaged files, a read-only folder and a full disk: the last good version serves, and the next rebuild succeeds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bundle.workspace import Collection
from index.store import current, read_version, rollback, verify_version
from index.version import open_current
from tests.flows.crashes import AFTER, BEFORE
from tests.flows.test_full_disk import MOUNT, ROOT, may_mount
from tests.index.rebuilding import outcomes, retitle, run
from tests.index.shop import make_shop
from tests.tiny import tiny_bundle


@pytest.fixture
def own_shop(tmp_path: Path) -> Collection:
    return make_shop(tmp_path)


DAMAGES = ("flip", "truncate", "delete", "extra")


def damage(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if how == "delete":
        path.unlink()
    elif how == "extra":
        path.with_name("extra").write_bytes(b"x")
    else:
        path.write_bytes(content if how == "flip" else content[:-1])


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", ["manifest.json", "index.faiss", "ids.arrow", "content.npy", "vectors.npy"])
def test_a_damaged_active_version_is_built_anew_and_nothing_is_copied_from_it(
    own_shop: Collection, name: str, how: str
) -> None:
    active = run(own_shop).version
    serving = open_current(own_shop)
    damage(own_shop.index(active), name, how)
    report = run(own_shop)
    assert (report.outcome, report.n_copied, report.before) == ("activated", 0, active)
    assert any(active in note for note in report.notes)
    assert outcomes(report)["changed neighbours"] == "skipped"
    verify_version(own_shop, report.version)
    assert (name, how) not in {("index.faiss", "delete")} or serving.search(serving.vectors(["item-1"]), 1).ids


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"../../etc\n", b"no-such-version\n"])
@pytest.mark.parametrize("name", ["CURRENT", "PREVIOUS"])
def test_damaged_pointers_are_written_anew(own_shop: Collection, name: str, content: bytes) -> None:
    run(own_shop)
    retitle(own_shop, ["item-1"])
    second = run(own_shop).version
    (own_shop.folder / name).write_bytes(content)
    retitle(own_shop, ["item-2"])
    report = run(own_shop)
    assert (report.outcome, current(own_shop)) == ("activated", report.version)
    if name == "PREVIOUS":
        assert rollback(own_shop) == second


def test_a_missing_bundle_of_the_active_version_does_not_stop_the_next(own_shop: Collection) -> None:
    old = read_version(own_shop, run(own_shop).version).bundle_id
    tiny_bundle(own_shop, dimension=8, seed=4)
    shutil.rmtree(own_shop.bundle(old))
    report = run(own_shop)
    assert (report.outcome, outcomes(report)["quality"]) == ("activated", "skipped")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in folders:
            path.chmod(0o755)


READ_ONLY_RUN = """
import os, sys
from pathlib import Path
from bundle.workspace import Workspace
from index.rebuild import RebuildConfig, rebuild
root = Path(sys.argv[1])
if os.getuid() == 0:
    os.setresuid(65534, 65534, 65534)  # root may write everywhere
config = RebuildConfig(collection="shop", items=Path("items.parquet"))
try:
    rebuild(Workspace(root).collection("shop"), config, base=root)
except OSError as error:
    sys.exit(f"{error.strerror}: {error.filename}")
"""


def test_a_read_only_folder_is_named_and_the_next_run_succeeds(own_shop: Collection, tmp_path: Path) -> None:
    active = run(own_shop).version
    retitle(own_shop, ["item-1"])
    for parent in (tmp_path, *tmp_path.parents[:2]):  # pytest's folders are closed to other users
        parent.chmod(0o755)
    with read_only(own_shop.folder):
        command = [sys.executable, "-c", READ_ONLY_RUN, str(tmp_path)]
        failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "Permission denied: " in failed.stderr
    assert str(own_shop.folder) in failed.stderr
    assert current(own_shop) == active
    assert run(own_shop).outcome == "activated"


@pytest.mark.parametrize(("how", "reason"), [("limit", "File too large"), ("fill", "the disk is full")])
def test_a_disk_that_fills_up_fails_a_rebuild_in_words(how: str, reason: str, tmp_path: Path) -> None:
    if how == "fill" and not may_mount(tmp_path):
        pytest.skip("a small file system cannot be mounted here (unshare -rm and mount are not permitted)")
    command = [sys.executable, "-m", "tests.flows.full_disk_rebuild", how, str(tmp_path)]
    if how == "fill":
        command = ["unshare", "-rm", "sh", "-c", MOUNT + ' && shift && exec "$@"', "sh", str(tmp_path), *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found["short"]) >= 4
    for short in found["short"]:
        assert short["code"] == 1, short
        assert reason in short["error"].splitlines()[-1], short
        assert short["serves"] == {"version": found["before"], "count": BEFORE}
        assert short["hidden"] <= short["kept_shards"]
    assert found["after"]["code"] == 0, found["after"]
    assert found["serves"]["count"] == AFTER
