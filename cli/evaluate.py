"""`tandem evaluate`: a bundle's served towers measured on the data it was trained from."""

from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from rich.table import Table

from cli.console import emit, make_progress, people
from cli.options import DEFAULT_WORKSPACE, CollectionOption, JsonOption, WorkspaceOption, existing_collection


def evaluate(
    collection: CollectionOption,
    data: Annotated[Path, typer.Option("--data", help="Folder that the training config's table paths count from.")],
    bundle: Annotated[str | None, typer.Option("--bundle", help="Bundle id; the newest if not given.")] = None,
    split: Annotated[Literal["validation", "test"], typer.Option("--split", help="Part to measure on.")] = "test",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Rank the whole catalogue with the ONNX towers, beside popularity and item-kNN."""
    from bundle.store import list_bundles, open_bundle
    from training.evaluate_bundle import evaluate_bundle

    place = existing_collection(workspace, collection)
    bundles = list_bundles(place)
    if not bundles:
        raise typer.BadParameter(f"collection '{collection}' has no bundle; train one first", param_hint="--collection")
    opened = open_bundle(place, bundle or bundles[-1])
    metrics = evaluate_bundle(opened, data, split, make_progress())
    people.print(_table(f"bundle {opened.bundle_id}, {split} split", metrics))
    if as_json:
        emit(orjson.dumps({"bundle_id": opened.bundle_id, "split": split, "metrics": metrics}).decode())


def _table(title: str, metrics: dict[str, dict[str, float]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("metric")
    for method in metrics:
        table.add_column(method.replace("_", "-"), justify="right")
    for name in next(iter(metrics.values())):
        values = [method[name] for method in metrics.values()]
        table.add_row(name, *(f"{v:,.0f}" if v.is_integer() and v > 1 else f"{v:.4f}" for v in values))
    return table
