"""`tandem index rebuild` and `tandem index gc`: the job that a timer runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from bundle.config import load_config
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
    from index.garbage import Garbage
    from index.rebuild_report import RebuildReport

REFUSED = 3
_COLOURS = {"passed": "green", "refused": "bold red", "reported": "dim", "skipped": "dim"}


def rebuild_command(
    config: Annotated[Path, typer.Argument(help="TOML file of the rebuild; its paths count from its own folder.")],
    overrides: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Build even where nothing changed.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Embed what changed, build, judge and activate; exits with 3 if a gate refuses and the old version serves on."""
    from index.rebuild import RebuildConfig, rebuild
    from index.rebuild_report import PAGE_FILE, report_folder

    settings = load_config(RebuildConfig, config, overrides or ())
    place = existing_collection(workspace, settings.collection)
    report = rebuild(place, settings, make_progress(), base=config.parent, force=force)
    tell_rebuild(report)
    path = report_folder(place, report.version) / PAGE_FILE
    if path.is_file():
        say(f"report: {path}")
    if report.comparison is not None:
        say(f"both versions side by side: {path.parent / report.comparison}")
    emit(orjson.dumps(report.model_dump(mode="json")).decode() if as_json else report.version)
    if report.outcome == "refused":
        raise typer.Exit(REFUSED)


def gc_command(
    collection: CollectionOption,
    keep: Annotated[int, typer.Option("--keep", min=2, help="Index versions kept, the active one included.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Remove old index versions and what killed jobs left; never the active version nor the ones before it."""
    from index.garbage import collect_garbage
    from index.rebuild_lock import rebuild_lock

    place = existing_collection(workspace, collection)
    with rebuild_lock(place, "tandem index gc"):
        garbage = collect_garbage(place, keep, dry_run=dry_run)
    _tell_garbage(garbage, "would be removed" if dry_run else "removed")
    if as_json:
        removed = {"versions": garbage.versions, "leftovers": garbage.leftovers, "in_use": garbage.in_use}
        emit(orjson.dumps(removed | {"bytes": garbage.size_bytes, "dry_run": dry_run}).decode())


def tell_rebuild(report: "RebuildReport") -> None:
    """Show people what a rebuild did."""
    n_items = f"{report.count:,} items, {report.n_embedded:,} embedded, {report.n_copied:,} copied"
    say(f"index version {report.version}: {n_items}")
    if report.gates:
        drawn = Table(box=None, pad_edge=False)
        for name in ("gate", "", "measured", "limit", ""):
            drawn.add_column(name)
        for gate in report.gates:
            value, limit = ("" if number is None else f"{number:.4g}" for number in (gate.value, gate.limit))
            drawn.add_row(gate.gate, Text(gate.outcome, _COLOURS[gate.outcome]), value, limit, Text(gate.detail))
        people.print(drawn)
    for note in report.notes:
        say(f"note: {note}")
    spent = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report.seconds.items() if seconds >= 0.05)
    say(f"time: {spent or 'less than a tenth of a second'}")
    if report.removed:
        say(f"removed: {', '.join(report.removed)}")
    if report.in_use:
        say(f"in use, so left for the next run: {', '.join(report.in_use)}")
    say(f"{report.outcome}: {report.sentence}")


def _tell_garbage(garbage: "Garbage", what: str) -> None:
    for name in (*garbage.versions, *garbage.leftovers):
        say(f"{what}: {name}")
    for name in garbage.in_use:
        say(f"in use, so left alone: {name}")
    counts = f"{len(garbage.versions)} versions and {len(garbage.leftovers)} leftovers"
    say(f"{counts} {what}, {garbage.size_bytes / 1e6:,.1f} MB")
