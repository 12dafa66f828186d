"""`tandem index compare`: two index versions on the same queries, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from bundle.workspace import Collection
from cli.comparison_tables import tell_comparison
from cli.console import emit
from cli.options import (
    DEFAULT_WORKSPACE,
    CollectionOption,
    JsonOption,
    LevelOption,
    WorkspaceOption,
    existing_collection,
)

QueriesOption = Annotated[Path, typer.Option("--queries", help="Table of query records with `query_id`.")]
AnswersOption = Annotated[
    Path | None,
    typer.Option("--answers", help="Table with query_id, item_id and, if any, grade; without it hits alone compare."),
]
SplitOption = Annotated[
    str | None, typer.Option("--split", help="Only answers whose column `split` says this, for example test.")
]
ReportOption = Annotated[Path | None, typer.Option("--report", help="Write this HTML page, and JSON beside it.")]


def compare_versions(
    collection: CollectionOption,
    right: Annotated[str, typer.Option("--right", help="The index version in question.")],
    queries: QueriesOption,
    left: Annotated[str | None, typer.Option("--left", help="The version before; the active one if not given.")] = None,
    answers: AnswersOption = None,
    split: SplitOption = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Hits of each query that count.")] = 10,
    n_queries: Annotated[int, typer.Option("--n-queries", min=1, help="Queries asked, at most.")] = 2_000,
    level: LevelOption = 0.95,
    report: ReportOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Ask two index versions the same queries: wins and losses with intervals, overlap, and the queries to look at."""
    from evaluation.side_by_side import ComparisonConfig
    from evaluation.significance import SignificanceConfig
    from index import query_comparison as asking

    place = existing_collection(workspace, collection)
    sides = [asking.open_side(place, left or _active(place)), asking.open_side(place, right)]
    if answers is None:
        asked = asking.unjudged_queries(queries, sides, n_queries, seed=0)
    else:
        stored = asking.StoredQueries(queries=queries, interactions=answers, split=split, n_queries=n_queries, k=k)
        asked = asking.judged_queries(stored, Path(), sides, seed=0)
    config = ComparisonConfig(k=k, gain="exponential", significance=SignificanceConfig(level=level))
    found = asking.compare_versions(asked, sides[0], sides[1], config)
    tell_comparison(found, report)
    if as_json:
        emit(found.model_dump_json())


def _active(place: Collection) -> str:
    from index.store import current

    active = current(place)
    if active is None:
        raise typer.BadParameter(f"collection '{place.name}' has no active version; name one", param_hint="--left")
    return active
