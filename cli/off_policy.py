"""`tandem off-policy`: what another ranking would have earned, from a log of what was shown and how likely that was."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table

from cli.console import emit, people, say
from cli.options import JsonOption


def off_policy(
    log: Annotated[Path, typer.Argument(help="Table of impressions: item_id, position, reward, propensity.")],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The new ranking, a table: item_id, position, probability.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="The new ranking, a TREC run; the log then needs query_id.")
    ] = None,
    clip: Annotated[float | None, typer.Option("--clip", min=1.0, help="Most that one impression may weigh.")] = None,
    level: Annotated[float, typer.Option("--level", min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    as_json: JsonOption = False,
) -> None:
    """Estimate by IPS, SNIPS and doubly robust what an impression would have earned under another ranking."""
    from evaluation.off_policy.compare import value_of
    from evaluation.off_policy.log import read_log
    from evaluation.off_policy.policy import ranking_policy, read_policy
    from evaluation.trec import read_run

    if (policy is None) == (run is None):
        raise typer.BadParameter("give either --policy or --run", param_hint="--policy")
    read = read_log(log)
    policy_NA = read_policy(policy, read) if policy else ranking_policy(read, read_run(run).rankings() if run else {})
    value = value_of(read, policy_NA, clip, level)
    table = Table(title=f"reward an impression, {len(read):,} impressions", title_justify="left")
    for column in ("estimate", "value", f"{level:.0%} interval"):
        table.add_column(column)
    for name, one in value.estimates.items():
        table.add_row(name, f"{one.value:.5f}", f"{one.low:.5f} to {one.high:.5f}")
    people.print(table)
    weights = f"mean weight {value.mean_weight:.3g}, largest {value.largest_weight:.3g}"
    say(f"effective impressions {value.effective_n:,.0f}, {weights}")
    if value.finding:
        say(f"warning: {value.finding}")
    if as_json:
        emit(orjson.dumps(value.flat()).decode())
