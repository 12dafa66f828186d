"""Builds, rebuilds, activations, rollbacks and garbage collections that are killed at every step.

python -m tests.flows.crashes FOLDER prints as JSON what was found for each. A step is every change that the process
makes to the file system; it is killed by SIGKILL right before it. Everything runs in forks, so that what a child
installs in itself ends with it and no import is paid twice.
"""

import itertools
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bundle.progress import NoProgress
from bundle.workspace import Collection, Workspace
from index.garbage import collect_garbage
from index.rebuild import RebuildConfig, rebuild
from index.store import activate, current, list_versions, rollback, verify_version
from index.version import open_current
from tests.index.shop import build_shop, make_items, make_shop

BEFORE, AFTER = 40, 44
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"}
HIDDEN = (".writing-", ".removing-", ".embedded-", ".damaged-")


def forked(work: Callable[[], object], when_changing: Callable[[str], None] | None = None) -> tuple[int, Any]:
    """The wait status of a child that does `work`, and the JSON value it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            if when_changing is not None:
                sys.addaudithook(lambda event, given: when_changing(event) if _changes(event, given) else None)
            os.write(writer, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001  the child must end here, whatever happened
            traceback.print_exc()
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    return os.waitpid(child, 0)[1], json.loads(told) if told else None


def _changes(event: str, given: tuple[object, ...]) -> bool:
    if event == "open":
        flags = given[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR)) and "/proc" not in str(given[0])
    return event in CHANGES


def kill_at(step: int) -> Callable[[str], None]:
    """Kills its process at the change of that number, counted from 0; removals in a row are one change."""
    seen: list[str] = []

    def on_change(event: str) -> None:
        if seen[-1:] != [event] or event != "os.remove":
            if len(seen) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.append(event)

    return on_change


def shop_in(root: Path) -> Collection:
    return Workspace(root).collection("shop")


def run_rebuild(root: Path) -> dict[str, Any]:
    config = RebuildConfig(collection="shop", items=Path("items.parquet"), shard_size=16, keep=4)
    return rebuild(shop_in(root), config, NoProgress(), base=root).model_dump(mode="json")


def prepare(root: Path) -> None:
    """Three versions of one catalogue, the second active and the first before it; then the catalogue changes."""
    shop = make_shop(root, count=BEFORE)
    versions = [build_shop(shop) for _ in range(3)]
    for version in versions[:2]:
        activate(shop, version)
    make_items(root / "items.parquet", AFTER)


def litter(root: Path) -> None:
    """What killed jobs leave."""
    shop = shop_in(root)
    for folder in (shop.indexes / ".writing-a", shop.bundles / ".damaged-b", shop.indexes / ".removing-c"):
        folder.mkdir()
        (folder / "file").write_text("x")
    (shop.folder / ".writing-d").write_text("x")
    activate(shop, list_versions(shop)[2])


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "build": lambda root: build_shop(shop_in(root)),
    "rebuild": run_rebuild,
    "activate": lambda root: activate(shop_in(root), list_versions(shop_in(root))[2]),
    "rollback": lambda root: rollback(shop_in(root)),
    "gc": lambda root: collect_garbage(shop_in(root), 2).versions,
}


def serving(root: Path) -> dict[str, Any]:
    """The version that a service would load now; it must answer."""
    opened = open_current(shop_in(root))
    vectors = opened.vectors(["item-1"])
    assert np.isclose(opened.search(vectors, 1).scores_BK[0, 0], 1, atol=1e-5)
    return {"version": opened.version, "count": opened.count}


def recovered(root: Path) -> dict[str, Any]:
    """What serves after a kill, and after the next rebuild."""
    first = serving(root)
    report = run_rebuild(root)
    shop = shop_in(root)
    verify_version(shop, str(current(shop)))
    left = [path.name for path in shop.folder.rglob(".*") if path.name.startswith(HIDDEN)]
    return {"first": first, "outcome": report["outcome"], "then": serving(root), "left": left}


def crash(name: str, folder: Path) -> dict[str, Any]:
    """Kill one operation at each of its steps; what was found at each."""
    template = folder / name
    forked(lambda: prepare(template))
    if name == "gc":
        forked(lambda: litter(template))
    versions = list_versions(shop_in(template))
    before = current(shop_in(template))
    found: list[dict[str, Any]] = []
    for step in itertools.count():
        root = folder / f"{name}-{step}"
        shutil.copytree(template, root, copy_function=shutil.copy2)
        status, _ = forked(partial(OPERATIONS[name], root), kill_at(step))
        if status != signal.SIGKILL:
            return {"versions": versions, "before": before, "status": status, "found": found}
        status, after = forked(partial(recovered, root))
        found.append({"step": step, "status": status} | (after or {}))
        shutil.rmtree(root)
    raise AssertionError("unreachable")


def main(folder: Path) -> None:
    sys.stdout.write(json.dumps({name: crash(name, folder) for name in OPERATIONS}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
