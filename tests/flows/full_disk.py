"""What a disk that fills up does to training: run in a process of its own by `test_full_disk.py`.

`python -m tests.flows.full_disk limit FOLDER` lets no file grow past a limit; `python -m tests.flows.full_disk fill
FOLDER` fills the file system that FOLDER is on. The first bundle and its index are made before; then two runs fail, one
at its checkpoint and one, twice, at its bundle.
"""

import io
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from bundle.config import load_config
from bundle.progress import NoProgress
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Workspace
from cli import console
from cli.main import execute
from index.store import current
from training.config import TrainConfig
from training.dataset import load_dataset
from training.learn import Learner

TOML = """
collection = "shop"
dimension = 8
data = {items = "items.csv", interactions = "interactions.csv"}
split = {kind = "time", validation_from = 0.7, test_from = 0.85}
features.query = [{kind = "sequence", name = "history"}]
features.item = [{kind = "category", name = "item_id"}, {kind = "text", name = "title", buckets = 2000}]
examples = {kind = "interaction", history_feature = "history"}
evaluation = {exclude_seen = false}
trainer = {epochs = 1, batch_size = 16}
"""


def write_tables(folder: Path) -> None:
    items = "".join(f"i{n},lamp number {n}\n" for n in range(40))
    (folder / "items.csv").write_text("item_id,title\n" + items)
    rows = "".join(f"u{n % 7},i{n * 5 % 40},{1_000_000 + n}\n" for n in range(200))
    (folder / "interactions.csv").write_text("query_id,item_id,timestamp\n" + rows)
    (folder / "train.toml").write_text(TOML)


@contextmanager
def no_file_past(n_bytes: int) -> Iterator[None]:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@contextmanager
def filled(folder: Path, left: int) -> Iterator[None]:
    """Only `left` bytes of the file system are free within the block."""
    filler = folder / "filler"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - left)
    try:
        yield
    finally:
        filler.unlink()


def run(*arguments: str) -> dict[str, object]:
    out, told = io.StringIO(), io.StringIO()
    console.people.file = told
    with redirect_stdout(out), redirect_stderr(told):
        code = execute(list(arguments))
    return {"code": code, "out": out.getvalue().strip(), "error": told.getvalue()}


def main(how: str, folder: Path) -> None:
    write_tables(folder)
    workspace = Workspace(folder / "workspace")
    collection = workspace.collection("shop")
    place = ["--workspace", str(folder / "workspace")]
    train = ["train", str(folder / "train.toml"), *place]
    first = run(*train)
    build = ["index", "build", "-c", "shop", "--items", str(folder / "items.csv"), "--activate", *place]
    first["index"] = run(*build)

    def state() -> dict[str, object]:
        opened = [open_bundle(collection, bundle_id).bundle_id for bundle_id in list_bundles(collection)]
        hidden = [path.name for path in collection.folder.rglob(".*")]
        return {"bundles": opened, "index": current(collection), "hidden": hidden}

    def short(n_bytes: int) -> Callable[[], object]:
        return lambda: no_file_past(n_bytes) if how == "limit" else filled(folder, n_bytes)

    other = [*train, "--set", "trainer.seed=1"]
    found: dict[str, object] = {"first": first, "before": state()}
    with short(20_000)():  # type: ignore[attr-defined]
        found["checkpoint"] = run(*other)
    found["after_checkpoint"] = state()
    config = load_config(TrainConfig, folder / "train.toml", ["trainer.seed=1"])
    dataset = load_dataset(config.data, folder)
    Learner(config, dataset, config.split.split(dataset), NoProgress(), collection.folder / "training", folder).learn()
    for n_bytes in (200, 100_000):
        with short(n_bytes)():  # type: ignore[attr-defined]
            found[f"bundle_{n_bytes}"] = run(*other, "--resume")
        found[f"after_bundle_{n_bytes}"] = state()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
