"""`tandem index`: build, list, verify, activate and roll back index versions."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from bundle.config import load_config, parse_overrides, validate_config
from bundle.workspace import Workspace
from cli.console import emit, make_progress, people, say
from cli.options import (
    DEFAULT_WORKSPACE,
    CollectionOption,
    JsonOption,
    SetOption,
    WorkspaceOption,
    existing_collection,
)

app = typer.Typer(help="Build and manage index versions.", no_args_is_help=True)
VersionArgument = Annotated[str, typer.Argument(help="Name of the index version.")]


@app.command("build")
def build(
    collection: CollectionOption,
    items: Annotated[Path | None, typer.Option("--items", help="Items table (.parquet, .jsonl or .csv).")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="TOML file of the build, instead of --items.")] = None,
    overrides: SetOption = None,
    activate_it: Annotated[bool, typer.Option("--activate", help="Serve the new version at once.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Embed the catalogue, build an index version and print its name; --activate also makes it the served one."""
    from index.build import build_index
    from index.config import BuildConfig
    from index.store import activate, read_version

    place = existing_collection(workspace, collection)
    if (items is None) == (config is None):
        raise typer.BadParameter("give either --items or --config", param_hint="--items")
    if config is not None:
        settings, base = load_config(BuildConfig, config, overrides or ()), config.parent
    else:
        data: dict[str, Any] = {"collection": collection, "items": str(items)} | parse_overrides(overrides or ())
        settings, base = validate_config(BuildConfig, data, "the command line"), Path()
    version = build_index(place, settings, make_progress(), base=base)
    manifest = read_version(place, version)
    say(
        f"index version {version}: {manifest.count:,} items, {manifest.kind.kind}, "
        f"index recall@{manifest.recall.k} {manifest.recall.recall:.4f}"
    )
    if activate_it:
        activate(place, version)
        say("active now")
    emit(version)


@app.command("list")
def list_(
    collection: CollectionOption, workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """Show every index version, the active one marked."""
    from index.store import current, list_versions, read_version

    place = existing_collection(workspace, collection)
    active = current(place)
    rows = []
    for version in list_versions(place):
        manifest = read_version(place, version)
        rows.append(
            {
                "version": version,
                "active": version == active,
                "bundle_id": manifest.bundle_id,
                "count": manifest.count,
                "kind": manifest.kind.kind,
                "index_recall": manifest.recall.recall,
                "bytes": sum(entry.size_bytes for entry in manifest.files.values()),
            }
        )
    if as_json:
        emit(orjson.dumps(rows).decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in ("", *(name for name in (rows[0] if rows else {}) if name != "active")):
        table.add_column(name, overflow="fold")  # a version that is cut short cannot be copied
    for row in rows:
        table.add_row("*" if row.pop("active") else "", *(str(value) for value in row.values()))
    people.print(table if rows else f"collection '{collection}' has no index version; build one first")


@app.command("activate")
def activate_command(
    version: VersionArgument, collection: CollectionOption, workspace: WorkspaceOption = DEFAULT_WORKSPACE
) -> None:
    """Verify a version and make it the served one."""
    from index.store import activate

    activate(existing_collection(workspace, collection), version)
    say(f"{version} is active")


@app.command("rollback")
def rollback_command(collection: CollectionOption, workspace: WorkspaceOption = DEFAULT_WORKSPACE) -> None:
    """Go back to the version that was active before."""
    from index.store import rollback

    version = rollback(existing_collection(workspace, collection))
    say(f"{version} is active again")
    emit(version)


@app.command("verify")
def verify_command(
    collection: CollectionOption,
    version: Annotated[str | None, typer.Argument(help="Index version; all of them if not given.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Check every byte of index versions and of the bundles that they pin."""
    from bundle.store import open_bundle
    from index.store import list_versions, verify_version

    place = existing_collection(workspace, collection)
    for name in [version] if version else list_versions(place):
        manifest = verify_version(place, name)
        open_bundle(Workspace(workspace).collection(collection), manifest.bundle_id)
        say(f"{name}: {len(manifest.files)} files whole, bundle {manifest.bundle_id} whole")
