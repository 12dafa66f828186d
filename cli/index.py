"""`tandem index`: build, tune, compare, rebuild, list, verify, try, activate, roll back and collect index versions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.table import Table

from bundle.config import load_config, parse_overrides, validate_config
from bundle.errors import RetrievalError
from bundle.workspace import Collection
from cli import compare_versions, rebuild, tune
from cli.console import emit, make_progress, people, say
from cli.options import (
    DEFAULT_WORKSPACE,
    CollectionOption,
    JsonOption,
    SetOption,
    WorkspaceOption,
    existing_collection,
)

if TYPE_CHECKING:
    from index.manifest import IndexManifest

app = typer.Typer(help="Build and manage index versions.", no_args_is_help=True)
app.command("tune")(tune.tune)
app.command("compare")(compare_versions.compare_versions)
app.command("rebuild")(rebuild.rebuild_command)
app.command("gc")(rebuild.gc_command)
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
    recalls = ", ".join(
        f"index recall@{role.recall.k} {role.recall.recall:.4f}{manifest.for_relation(relation)}"
        for relation, role in manifest.roles.items()
    )
    say(f"index version {version}: {manifest.count:,} items, {manifest.kind.kind}, {recalls}")
    if activate_it:
        activate(place, version)
        say("active now")
    emit(version)


@app.command("list")
def list_(
    collection: CollectionOption, workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """Show every index version, the active one and corrupt ones marked; exits with 1 when one is corrupt."""
    from index.store import current, list_versions

    place = existing_collection(workspace, collection)
    active = current(place)
    rows = [{"version": name, "active": name == active} | _described(place, name) for name in list_versions(place)]
    corrupt = [row for row in rows if "corrupt" in row]
    if as_json:
        emit(orjson.dumps(rows).decode())
    elif rows:
        people.print(_table(rows))
        for row in corrupt:
            say(f"{row['version']}: {row['corrupt']}")
    else:
        people.print(f"collection '{collection}' has no index version; build one first")
    if corrupt:
        raise typer.Exit(1)


def _described(place: Collection, version: str) -> dict[str, Any]:
    from index.store import read_version

    try:
        manifest = read_version(place, version)
    except RetrievalError as error:
        return {"corrupt": error.message}
    return {
        "bundle_id": manifest.bundle_id,
        "count": manifest.count,
        "kind": manifest.kind.kind,
        "index_recall": manifest.recall.recall,
        "relations": {relation: role.recall.recall for relation, role in manifest.roles.items()},
        "bytes": sum(entry.size_bytes for entry in manifest.files.values()),
    } | _memory(manifest)


def _memory(manifest: "IndexManifest") -> dict[str, int]:
    """What an opened version takes: allocated by each process, and mapped, which processes share."""
    from index.manifest import INDEX_FILE

    mapped = [entry.size_bytes for name, entry in manifest.files.items() if Path(name).name == INDEX_FILE]
    allocated = [role.kind.unmapped_bytes(manifest.count) for role in manifest.roles.values()]
    return {"bytes_in_ram": sum(allocated), "bytes_mapped_for_search": sum(mapped)}


def _table(rows: list[dict[str, Any]]) -> Table:
    names = ("bundle_id", "count", "kind", "index_recall", "bytes")
    table = Table(box=None, pad_edge=False)
    for name in ("", "version", *names):
        table.add_column(name, overflow="fold")  # a version that is cut short cannot be copied
    for row in rows:
        cells = ["corrupt"] if "corrupt" in row else [str(row[name]) for name in names]
        table.add_row("*" if row["active"] else "", row["version"], *cells)
    return table


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


@app.command("shadow")
def shadow_command(
    collection: CollectionOption,
    version: Annotated[str | None, typer.Argument(help="Index version to try; none with --end.")] = None,
    share: Annotated[float, typer.Option("--share", min=0.001, max=1, help="Share of the searches to repeat.")] = 0.1,
    end: Annotated[bool, typer.Option("--end", help="End the trial.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Have servers try a version on a share of their real searches, which changes no answer."""
    from index.store import end_shadow, start_shadow

    place = existing_collection(workspace, collection)
    if end == (version is not None):
        raise typer.BadParameter("give either a version or --end", param_hint="VERSION")
    if version is None:
        end_shadow(place)
        say("nothing is tried")
    else:
        start_shadow(place, version, share)
        say(f"{version} is tried on {share:.1%} of the searches")


@app.command("verify")
def verify_command(
    collection: CollectionOption,
    version: Annotated[str | None, typer.Argument(help="Index version; all of them if not given.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Check every byte of index versions and of the bundles that they pin; of all versions every fault is told."""
    from index.store import list_versions

    place = existing_collection(workspace, collection)
    if version is not None:
        _verify(place, version)
        return
    faults = 0
    for name in list_versions(place):
        try:
            _verify(place, name)
        except (RetrievalError, OSError) as error:
            faults += 1
            say(f"{name}: {error}")
    if faults:
        raise typer.Exit(1)


def _verify(place: Collection, version: str) -> None:
    from bundle.store import open_bundle
    from index.store import verify_version

    manifest = verify_version(place, version)
    open_bundle(place, manifest.bundle_id)
    say(f"{version}: {len(manifest.files)} files whole, bundle {manifest.bundle_id} whole")
