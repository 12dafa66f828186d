"""`tandem evaluate`: a bundle's served towers measured on the data it was trained from, alone or against others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from bundle.workspace import Collection
from cli.comparison_tables import estimate_table, tell_comparison
from cli.console import emit, make_progress, people, say
from cli.options import (
    DEFAULT_WORKSPACE,
    CollectionOption,
    JsonOption,
    LevelOption,
    WorkspaceOption,
    existing_collection,
)

if TYPE_CHECKING:
    from evaluation.significance import Estimate, SignificanceConfig
    from training.evaluate_bundle import MeasuredBundle


BundleOption = Annotated[str | None, typer.Option("--bundle", help="Bundle id; the newest if not given.")]
DataOption = Annotated[Path, typer.Option("--data", help="Folder that the training config's table paths count from.")]
SplitOption = Annotated[Literal["validation", "test"], typer.Option("--split", help="Part to measure on.")]
AgainstOption = Annotated[
    list[str] | None, typer.Option("--against", help="A bundle to hold it against on the same queries; repeatable.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write this HTML page: both bundles side by side; JSON beside it.")
]
RunOption = Annotated[Path | None, typer.Option("--run", help="Write the bundle's hits as a TREC run.")]
QrelsOption = Annotated[Path | None, typer.Option("--qrels", help="Write the relevant items as TREC qrels.")]
DepthOption = Annotated[int, typer.Option("--depth", min=1, help="Hits of each query in the run.")]


def evaluate(
    collection: CollectionOption,
    data: DataOption,
    bundle: BundleOption = None,
    split: SplitOption = "test",
    against: AgainstOption = None,
    report: ReportOption = None,
    run: RunOption = None,
    qrels: QrelsOption = None,
    depth: DepthOption = 100,
    level: LevelOption = 0.95,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Rank the whole catalogue with the ONNX towers, beside popularity and item-kNN, with intervals."""
    from evaluation.significance import SignificanceConfig

    place, others = existing_collection(workspace, collection), against or []
    if report is not None and len(others) != 1:
        raise typer.BadParameter("a report holds two bundles side by side; give --against once", param_hint="--report")
    bundle_id = _bundle_id(place, bundle)
    if len({bundle_id, *others}) <= len(others):
        raise typer.BadParameter("a bundle against itself ties on every query", param_hint="--against")
    significance = SignificanceConfig(level=level)
    measured = _measured(place, bundle_id, data, split)
    answer = _tell(measured, significance)
    _write(measured, run, qrels, depth)
    answer["against"] = [_against(_measured(place, one, data, split), measured, significance, report) for one in others]
    if as_json:
        emit(orjson.dumps(answer).decode())


def _bundle_id(place: Collection, wanted: str | None) -> str:
    from bundle.store import list_bundles

    bundles = list_bundles(place)
    if not bundles:
        raise typer.BadParameter(f"collection '{place.name}' has no bundle; train one first", param_hint="--collection")
    return wanted or bundles[-1]


def _measured(place: Collection, bundle_id: str, data: Path, split: Literal["validation", "test"]) -> "MeasuredBundle":
    from bundle.store import open_bundle
    from training.evaluate_bundle import measure_bundle

    return measure_bundle(open_bundle(place, bundle_id), data, split, make_progress())


def _tell(measured: "MeasuredBundle", significance: "SignificanceConfig") -> dict[str, Any]:
    from evaluation.systems import by_query, estimate_all
    from training.compare import MODEL

    found = measured.comparison
    estimates: dict[str, dict[str, Estimate]] = {
        method: estimate_all(ranking.by_query(), significance) for method, ranking in found.rankings.items()
    }
    extra = {
        method: {name: value for name, value in values.items() if name not in estimates[method]}
        for method, values in found.metrics.items()
    }
    title = f"bundle {measured.bundle_id}, {measured.part} split, with {significance.level:.0%} intervals"
    people.print(estimate_table(title, estimates, extra))
    intervals = {
        method: {name: one.model_dump() for name, one in of_method.items()} for method, of_method in estimates.items()
    }
    return {
        "bundle_id": measured.bundle_id,
        "split": measured.part,
        "metrics": found.metrics,
        "intervals": intervals,
        "queries": by_query(measured.query_ids, found.rankings[MODEL].by_query()),
    }


def _write(measured: "MeasuredBundle", run: Path | None, qrels: Path | None, depth: int) -> None:
    from evaluation.trec import write_qrels, write_run
    from training.bundle_comparison import answers, run_of

    if run is not None:
        write_run(run, run_of(measured, depth))
        say(f"wrote {run}")
    if qrels is not None:
        write_qrels(qrels, answers(measured))
        say(f"wrote {qrels}")


def _against(
    left: "MeasuredBundle", right: "MeasuredBundle", significance: "SignificanceConfig", report: Path | None
) -> dict[str, Any]:
    from training.bundle_comparison import compare_bundles

    found = compare_bundles(left, right, significance)
    tell_comparison(found, report)
    results = [one.model_dump() for one in found.results]
    return {"bundle_id": left.bundle_id, "outcome": found.outcome, "results": results}
