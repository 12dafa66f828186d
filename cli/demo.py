"""`tandem demo`: the whole path on the shipped example, from purchases to answered requests."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bundle.config import load_config
from bundle.errors import ConfigError
from bundle.workspace import Collection, Workspace
from cli.console import make_progress, say
from cli.demo_requests import demo_requests, show
from cli.server_process import ServerProcess

EXAMPLE = Path(__file__).parents[1] / "examples" / "online-retail"
DEMO_WORKSPACE = Path(".tandem-demo")


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Start afresh, query itself, and exit 0 if all is well.")
    ] = False,
    port: Annotated[int, typer.Option("--port", help="TCP port of the service; 0 takes a free one.")] = 8080,
) -> None:
    """Train on real purchases, build an index, serve both, and print three requests to paste."""
    if not EXAMPLE.is_dir():
        raise ConfigError(f"{EXAMPLE} is not there: the demo runs from a checkout of the repository")
    with _workspace(check) as workspace:
        collection = _prepare(Workspace(workspace))
        requests = demo_requests(collection, EXAMPLE)
        with ServerProcess(workspace, 0 if check else port) as server:
            for request in requests:
                show(request, server.post(request.path, request.body), server.url)
            if check:
                say("\nevery request was answered as it should be")
                return
            say(f"\nserving at {server.url} (console at /console, documentation at /docs); stop with Ctrl-C")
            server.wait()


@contextmanager
def _workspace(check: bool) -> Iterator[Path]:
    if not check:
        yield DEMO_WORKSPACE
        return
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as folder:
        yield Path(folder)


def _prepare(workspace: Workspace) -> Collection:
    """The demo's collection with an active index version, made unless an earlier demo did."""
    from index.build import build_index
    from index.config import BuildConfig
    from index.store import activate, current
    from training.config import TrainConfig
    from training.run import train

    config = load_config(TrainConfig, EXAMPLE / "train.toml")
    collection = workspace.collection(config.collection)
    if version := current(collection):
        say(f"using index version {version} of an earlier demo; remove {workspace.root} to start over")
        return collection
    say("1/3  train towers and semantic IDs on the purchases of an online shop")
    result = train(config, EXAMPLE, collection, resume=True, progress=make_progress())
    recall = {method: metrics["recall@20"] for method, metrics in result.metrics.items()}
    say(
        f"     recall@20 {recall['model']:.4f} on later purchases "
        f"(popularity {recall['popularity']:.4f}, item-kNN {recall['item_knn']:.4f})"
    )
    say("2/3  embed the catalogue and build the index")
    build = BuildConfig(collection=config.collection, items=EXAMPLE / "items.parquet", bundle=result.bundle_id)
    version = build_index(collection, build, make_progress())
    activate(collection, version)
    say(f"     index version {version} is active\n3/3  serve")
    return collection
