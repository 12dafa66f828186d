"""`tandem improve`: one round from what is served to something better, or to a refusal."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from bundle.config import load_config
from cli.console import emit, make_progress, say
from cli.options import DEFAULT_WORKSPACE, JsonOption, SetOption, WorkspaceOption, existing_collection
from cli.rebuild import REFUSED, tell_rebuild


def improve(
    config: Annotated[Path, typer.Argument(help="TOML file of the round; its paths count from its own folder.")],
    overrides: SetOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Retrieve, judge, train, rebuild, compare; exits with 3 if a gate refuses and the old version serves on."""
    from cli.improve_round import ImproveConfig, open_round

    one = open_round(load_config(ImproveConfig, config, overrides or ()), config.parent)
    place = existing_collection(workspace, one.run.collection)
    judged = one.judge(place, make_progress())
    pairs = f"{judged.table.num_rows:,} pairs of {judged.n_queries:,} queries"
    say(f"{pairs}, found by index version {judged.version}, are judged in {one.judgements}")
    bundle_id = one.train(place, make_progress())
    say(f"bundle {bundle_id} has learned from them")
    report = one.rebuild(place, bundle_id, make_progress())
    tell_rebuild(report)
    answer = {
        "judge": judged.bundle_id,
        "judged": judged.table.num_rows,
        "bundle_id": bundle_id,
        "rebuild": report.model_dump(mode="json"),
    }
    emit(orjson.dumps(answer).decode() if as_json else report.version)
    if report.outcome == "refused":
        raise typer.Exit(REFUSED)
