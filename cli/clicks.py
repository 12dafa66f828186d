"""`tandem clicks`: a click log read, and what can be learned from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.table import Table

from cli.console import emit, people, say
from cli.options import JsonOption

if TYPE_CHECKING:
    from training.click_models.log import ClickLog


def clicks(
    log: Annotated[Path, typer.Argument(help="Click log (.parquet, .jsonl or .csv).")],
    max_grade: Annotated[float, typer.Option("--max-grade", help="Highest value of the column grade.")] = 4.0,
    as_json: JsonOption = False,
) -> None:
    """Check a click log, count shown items and clicks by place, and say whether it can tell position from relevance."""
    from training.click_models.findings import findings, movement
    from training.click_models.table import read_click_log

    read = read_click_log(log, max_grade).log
    moves, found = movement(read), findings(read)
    people.print(_table(read))
    say(
        f"{len(read):,} lists of {read.n_pairs:,} pairs; of {moves.repeated:,} pairs shown more than once "
        f"{moves.moved:,} stood at more than one place"
    )
    for finding in found:
        say(f"{finding.code}: {finding.title}. {finding.detail}")
    if as_json:
        answer = {
            "lists": len(read),
            "pairs": read.n_pairs,
            "repeated_pairs": moves.repeated,
            "moved_pairs": moves.moved,
            "shown": read.shown_by_place().tolist(),
            "clicks": read.clicks_by_place().tolist(),
            "findings": [{"code": finding.code, "detail": finding.detail} for finding in found],
        }
        emit(orjson.dumps(answer).decode())


def _table(log: "ClickLog") -> Table:
    table = Table(title="by place", title_justify="left")
    for name in ("place", "shown", "clicks", "clicks / shown"):
        table.add_column(name, justify="right")
    for place, (shown, clicked) in enumerate(zip(log.shown_by_place(), log.clicks_by_place(), strict=True), start=1):
        table.add_row(str(place), f"{shown:,}", f"{clicked:,}", f"{clicked / shown:.4f}" if shown else "")
    return table
