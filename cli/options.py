"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

from bundle.workspace import Collection, Workspace

WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", "-w", envvar="TANDEM_WORKSPACE", help="Folder that holds the collections."),
]
CollectionOption = Annotated[str, typer.Option("--collection", "-c", help="Name of the collection.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for machines.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting, for example trainer.epochs=3; repeatable."),
]
LevelOption = Annotated[
    float, typer.Option("--level", min=0.51, max=0.999, help="Share of intervals that shall hold the truth.")
]
DEFAULT_WORKSPACE = Path("workspace")


def existing_collection(workspace: Path, name: str) -> Collection:
    """The collection, or an error that lists those there."""
    collection = Workspace(workspace).collection(name)
    if not collection.folder.is_dir():
        has = ", ".join(c.name for c in Workspace(workspace).collections()) or "none"
        raise typer.BadParameter(f"{workspace} has no collection '{name}'; it has: {has}", param_hint="--collection")
    return collection
