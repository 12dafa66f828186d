"""`tandem train`: a config file in, a bundle out."""

import os
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bundle.config import load_config
from bundle.workspace import Workspace
from cli.console import emit, make_progress, say
from cli.options import DEFAULT_WORKSPACE, JsonOption, SetOption, WorkspaceOption


def train(
    config: Annotated[Path, typer.Argument(help="TOML file of the run; its table paths count from its own folder.")],
    overrides: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of this run.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Train towers and quantizer, export them, and print the bundle id."""
    from training.config import TrainConfig
    from training.processes import Processes
    from training.run import assist
    from training.run import train as run

    settings = load_config(TrainConfig, config, overrides or ())
    collection = Workspace(workspace).collection(settings.collection)
    processes = Processes.launched(os.environ)
    if not processes.leads:
        return assist(settings, config.parent, collection, resume=resume, processes=processes)
    result = run(settings, config.parent, collection, resume=resume, progress=make_progress(), processes=processes)
    say(f"bundle {result.bundle_id} is in {collection.bundle(result.bundle_id)}")
    for method, metrics in result.metrics.items():
        shown = (
            f"{name}@{k} {metrics[f'{name}@{k}']:.4f}" for k in settings.evaluation.ks for name in ("recall", "ndcg")
        )
        say(f"  {method.replace('_', '-'):<12} {'  '.join(shown)}")
    answer = {"bundle_id": result.bundle_id, "metrics": result.metrics, "semantic_ids": result.semantic_id_metrics}
    emit(orjson.dumps(answer).decode() if as_json else result.bundle_id)
