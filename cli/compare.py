"""`tandem compare`: TREC runs of any systems, measured on qrels and held against the first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
import typer

from cli.comparison_tables import estimate_table, paired_table, tell_comparison
from cli.console import emit, people, say
from cli.options import JsonOption, LevelOption

if TYPE_CHECKING:
    from evaluation.side_by_side import Names, Side
    from evaluation.systems import SystemResult

RunsArgument = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="TREC runs; the second and later are held against the first.")
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option("--metric", help="ndcg, mrr, map, recall, precision, hit_rate or judged, as in ndcg@10; repeatable."),
]
GainOption = Annotated[
    Literal["linear", "exponential"], typer.Option("--gain", help="nDCG's gain: the grade, or 2^grade - 1.")
]
RelevantOption = Annotated[
    int, typer.Option("--relevant-from", min=1, help="Least grade that is relevant, for all but nDCG.")
]
ScaleOption = Annotated[
    int | None, typer.Option("--most-grade", min=1, help="End of the scale; a larger grade is a fault.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write this HTML page: two runs side by side; JSON beside it.")
]
ItemsOption = Annotated[Path | None, typer.Option("--items", help="Table that names the items of the report.")]
QueriesOption = Annotated[Path | None, typer.Option("--queries", help="Table that names the queries of the report.")]


def compare(
    runs: RunsArgument,
    qrels: Annotated[Path, typer.Option("--qrels", help="TREC qrels; a line reads: query 0 item grade.")],
    metric: MetricOption = None,
    gain: GainOption = "linear",
    relevant_from: RelevantOption = 1,
    most_grade: ScaleOption = None,
    level: LevelOption = 0.95,
    report: ReportOption = None,
    items: ItemsOption = None,
    queries: QueriesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure runs on qrels, with intervals and paired tests; no collection and no bundle is needed."""
    from evaluation.metrics import DEFAULT_METRICS, Metric, Relevance
    from evaluation.side_by_side import ComparisonConfig, side_by_side
    from evaluation.significance import SignificanceConfig
    from evaluation.systems import compare_systems
    from evaluation.trec import read_qrels

    _check(runs, report)
    asked = [Metric.parse(name) for name in metric or DEFAULT_METRICS]
    grades, significance = read_qrels(qrels, most_grade), SignificanceConfig(level=level)
    sides, above = _sides(runs), relevant_from - 1
    found = compare_systems(sides, grades, asked, Relevance(gain, above), significance)
    _tell(found, len(grades), level)
    if report is None:
        _tell_pairs(found)
    else:
        tested = tuple(str(one) for one in asked if one.kind != "judged")
        config = ComparisonConfig(metrics=tested, gain=gain, relevant_above=above, significance=significance)
        tell_comparison(side_by_side(sides[0], sides[1], grades, _names(items, queries), config), report)
    if as_json:
        emit(orjson.dumps([one.model_dump() for one in found]).decode())


def _check(runs: Sequence[Path], report: Path | None) -> None:
    if len({path.resolve() for path in runs}) < len(runs):
        raise typer.BadParameter("a run against itself ties on every query; name each once", param_hint="RUN...")
    if report is not None and len(runs) != 2:
        raise typer.BadParameter("a report holds two runs side by side; name two", param_hint="--report")


def _sides(paths: Sequence[Path]) -> list["Side"]:
    """Each run under its tag, or where runs share one, under its file's name."""
    from evaluation.side_by_side import Side
    from evaluation.trec import read_run

    runs = [read_run(path) for path in paths]
    tags = [run.name for run in runs]
    return [
        Side(run.name if tags.count(run.name) == 1 else path.name, run.rankings(), str(path))
        for path, run in zip(paths, runs, strict=True)
    ]


def _tell(found: Sequence["SystemResult"], n_queries: int, level: float) -> None:
    title = f"{n_queries:,} judged queries, with {level:.0%} intervals"
    people.print(estimate_table(title, {one.name: one.metrics for one in found}))
    for one in found:
        if one.n_ranked < n_queries:
            say(f"{one.name} ranked {one.n_ranked:,} of {n_queries:,} judged queries; the others count as 0")
        if one.n_unjudged:
            say(f"{one.name} ranked {one.n_unjudged:,} queries that nobody judged; they are left out")


def _tell_pairs(found: Sequence["SystemResult"]) -> None:
    for one in found[1:]:
        people.print(paired_table(f"{found[0].name} → {one.name}", one.against_first))


def _names(items: Path | None, queries: Path | None) -> "Names":
    from evaluation.side_by_side import Names

    item_names = _named(items, "item_id")
    return Names(lambda ids: {one: item_names[one] for one in ids if one in item_names}, _named(queries, "query_id"))


def _named(path: Path | None, id_column: str) -> Mapping[str, str]:
    """Names by id, from a table's column that usually has them; none without a table or such a column."""
    from bundle.tables import read_table
    from evaluation.names import naming_column, shortened

    if path is None:
        return {}
    table = read_table(path, {id_column: "string"})
    column = naming_column(name for name in table.column_names if name != id_column)
    if column is None:
        return {}
    pairs = zip(table[id_column].to_pylist(), table[column].to_pylist(), strict=True)
    return {one: shortened(str(name)) for one, name in pairs if name}
