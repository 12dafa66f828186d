"""`tandem index tune`: what kind and setting of an index is the cheapest that finds enough."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.table import Table

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
    from index.tune import Trial, Tuning


def tune(
    config: Annotated[Path, typer.Argument(help="TOML file of the build to come, as for `index build --config`.")],
    collection: CollectionOption,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="Measure this kind only; repeatable. All of them if not given.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Draw all settings into this HTML file.")] = None,
    overrides: SetOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Measure kinds on the vectors of an index version; print the cheapest that meets the target as a [kind] section.

    `tandem index tune CONFIG.toml --collection C >> CONFIG.toml` makes it that of the next build.
    """
    from index.config import BuildConfig
    from index.tune import kind_section
    from index.tune import tune as measure
    from index.tuning_page import tuning_page

    place = existing_collection(workspace, collection)
    settings = load_config(BuildConfig, config, overrides or ())
    tuning = measure(place, settings, kinds or (), make_progress(), base=config.parent)
    people.print(_table(tuning))
    chosen = tuning.chosen
    say(
        f"measured on the vectors of {tuning.version}; the cheapest with index recall {tuning.target} is "
        f"{chosen.name}: recall {chosen.recall:.4f}, {chosen.cpu_us_per_query:,.0f} µs a query"
    )
    if settings.kind is not None:
        say(f"{config} has a kind already; replace it by the section printed here")
    if report is not None:
        report.write_text(tuning_page(tuning), encoding="utf-8")
        say(f"wrote {report}")
    section = kind_section(chosen.kind)
    emit(orjson.dumps(_described(tuning, section)).decode() if as_json else section)


def _table(tuning: "Tuning") -> Table:
    table = Table(box=None, pad_edge=False, title="settings that no other beats in recall, cost and memory at once")
    for name in ("", "kind", "setting", "recall", "CPU µs/query", "index MB", "build CPU s"):
        table.add_column(name, justify="left" if name in ("", "kind", "setting") else "right")
    for trial in tuning.front:
        table.add_row(
            "*" if trial == tuning.chosen else "",
            trial.name,
            ", ".join(f"{name} {value}" for name, value in trial.kind.setting().items()),
            f"{trial.recall:.4f}",
            f"{trial.cpu_us_per_query:,.0f}",
            f"{trial.index_bytes / 1e6:,.1f}",
            f"{trial.build_cpu_s:,.1f}",
        )
    return table


def _described(tuning: "Tuning", section: str) -> dict[str, Any]:
    front = tuning.front
    return {
        "version": tuning.version,
        "target_recall": tuning.target,
        "chosen": _trial(tuning.chosen),
        "section": section,
        "trials": [_trial(trial) | {"is_on_front": trial in front} for trial in tuning.trials],
    }


def _trial(trial: "Trial") -> dict[str, Any]:
    return {
        "kind": trial.kind.model_dump(mode="json"),
        "index_recall": trial.recall,
        "cpu_us_per_query": trial.cpu_us_per_query,
        "index_bytes": trial.index_bytes,
        "build_cpu_s": round(trial.build_cpu_s, 3),
    }
