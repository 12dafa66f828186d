"""`tandem labels`: which pairs people should label, and what a few labels and many cheap judgements say together."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
import typer

from cli.console import emit, say
from cli.options import DEFAULT_WORKSPACE, CollectionOption, JsonOption, WorkspaceOption, existing_collection

if TYPE_CHECKING:
    from evaluation.judged.runs import JudgedRuns

app = typer.Typer(help="Measure rankings from cheap judges and a few labels of people.", no_args_is_help=True)
RunOption = Annotated[Path, typer.Option("--run", help="The ranking, a TREC run file.")]
AgainstOption = Annotated[
    Path | None, typer.Option("--against", help="A second run: what is measured is how much the first is better.")
]
VotesOption = Annotated[
    Path | None, typer.Option("--votes", help="Table of judges' votes, on any scale: query_id, item_id, judge, score.")
]
GoldOption = Annotated[
    Path, typer.Option("--gold", help="Table of people's labels: query_id, item_id, grade, probability.")
]
MeasureOption = Annotated[str, typer.Option("--measure", help="dcg@k, precision@k, hits@k or recall@k.")]
Gain = Literal["linear", "exponential"]
GainOption = Annotated[Gain, typer.Option("--gain", help="What a grade is worth in dcg: grade or 2^grade - 1.")]
ScopeOption = Annotated[
    Literal["queries_like_these", "these_queries"],
    typer.Option("--scope", help="Whether the interval speaks of other queries like these or of these alone."),
]
LevelOption = Annotated[float, typer.Option("--level", min=0.5, max=0.999, help="Level of the interval.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of what is drawn.")]
OutOption = Annotated[Path, typer.Option("--out", help="File to write, .csv or .parquet.")]


@app.command()
def estimate(
    run: RunOption,
    gold: GoldOption,
    votes: VotesOption = None,
    against: AgainstOption = None,
    measure: MeasureOption = "dcg@10",
    gain: GainOption = "linear",
    scope: ScopeOption = "queries_like_these",
    level: LevelOption = 0.95,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Estimate a measure of a run, or the difference of two, with an interval that holds whatever the judges say."""
    from evaluation.judged.pairs import ENOUGH_GOLD

    result = _runs(run, against, votes, gold, measure, gain).estimate(scope, level, seed)
    corrected = result.corrected
    say(
        f"{measure}: {corrected.value:.4f}, {level:.0%} interval {corrected.low:.4f} to {corrected.high:.4f} "
        f"({result.n_queries:,} queries, {result.n_pairs:,} pairs, {result.n_gold:,} labels)"
    )
    if result.n_gold < ENOUGH_GOLD:
        say(f"warning: with fewer than {ENOUGH_GOLD} labels the interval tends to be too narrow; label more")
    if votes is not None:
        say(f"the judges alone would say {result.judges_alone:.4f}, their scores taken as gains")
    if as_json:
        emit(orjson.dumps(asdict(result)).decode())


@app.command()
def plan(
    run: RunOption,
    gold: GoldOption,
    half_width: Annotated[float, typer.Option("--half-width", help="The interval wanted is ± this.")],
    votes: VotesOption = None,
    against: AgainstOption = None,
    measure: MeasureOption = "dcg@10",
    gain: GainOption = "linear",
    scope: ScopeOption = "queries_like_these",
    level: LevelOption = 0.95,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Say how many labels an interval takes, all of them from one draw, by what a first draw of some taught."""
    if half_width <= 0:
        raise typer.BadParameter(f"{half_width:g} is not above 0", param_hint="--half-width")
    result = _runs(run, against, votes, gold, measure, gain).plan(half_width, scope, level, seed)
    if result.n_gold is not None:
        takes = f"takes about {result.n_gold:,} labels of one draw"
        say(f"{measure} ± {half_width:g} {takes}; `tandem labels draw` draws them")
    else:
        say(
            f"{measure} ± {half_width:g} is out of reach with these queries: with every pair labelled it is "
            f"± {result.best_half_width:.4f}; it takes about {result.n_queries:,} queries"
        )
    if as_json:
        emit(orjson.dumps(asdict(result)).decode())


@app.command()
def draw(
    run: RunOption,
    count: Annotated[int, typer.Option("--count", min=1, help="About how many pairs to label.")],
    out: OutOption,
    votes: VotesOption = None,
    gold: Annotated[
        Path | None, typer.Option("--gold", help="Labels of a first draw, to learn where judges err.")
    ] = None,
    against: AgainstOption = None,
    measure: MeasureOption = "dcg@10",
    gain: GainOption = "linear",
    seed: SeedOption = 0,
) -> None:
    """Draw pairs for people to label, by chances that are written beside them and that `estimate` divides by."""
    from bundle.tables import write_table

    drawn = _runs(run, against, votes, gold, measure, gain).draw(count, seed)
    write_table(out, drawn)
    say(f"{drawn.num_rows:,} pairs to label are in {out}; add a column 'grade' and give it to `tandem labels estimate`")
    if gold is not None:
        say(f"give {out} alone: a label of {gold} counts where its pair was drawn again, by the new probability")


@app.command()
def choose(
    collection: CollectionOption,
    run: RunOption,
    count: Annotated[int, typer.Option("--count", min=1, help="How many pairs to label.")],
    out: OutOption,
    votes: Annotated[Path, typer.Option("--votes", help="Table of judges' votes; where they disagree is chosen.")],
    gold: Annotated[
        Path | None, typer.Option("--gold", help="Labels that there are: query_id, item_id, grade; their like waits.")
    ] = None,
    measure: MeasureOption = "dcg@10",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Choose the pairs that a judge or reranker learns most from. Such labels are no use to `estimate`: see `draw`."""
    import numpy as np
    import pyarrow as pa

    from bundle.tables import write_table
    from evaluation.judged.choice import ChoiceConfig
    from index.version import open_current

    version = open_current(existing_collection(workspace, collection))
    runs = _runs(run, None, votes, gold, measure, "linear", is_drawn=False)
    embedding_ND = version.vectors([item_id for _, item_id in runs.pool.pairs])
    chosen = runs.choose(embedding_ND.astype(np.float64), count, ChoiceConfig())
    query_ids, item_ids = ([pair[side] for pair in chosen] for side in (0, 1))
    write_table(out, pa.table({"query_id": query_ids, "item_id": item_ids}))
    say(f"{len(chosen):,} pairs are in {out}, the most useful first")


@app.command()
def merge(
    answers: Annotated[Path, typer.Argument(help="Table of answers: query_id, item_id, annotator, answer.")],
    out: OutOption,
    as_json: JsonOption = False,
) -> None:
    """Merge several annotators' answers: the two most likely of each pair, and how far each annotator is right."""
    from bundle.tables import write_table
    from evaluation.judged.answers import read_answers

    read = read_answers(answers)
    merged = read.merge()
    write_table(out, read.table(merged))
    reliability = dict(zip(read.annotators, merged.reliability_I.tolist(), strict=True))
    for name, share in sorted(reliability.items(), key=lambda pair: pair[1]):
        say(f"{name}: knows the answer to {share:.0%} of what was asked")
    say(f"{len(read.pairs):,} merged pairs are in {out}")
    if as_json:
        confusion = merged.confusion(len(read.classes)).tolist()
        emit(orjson.dumps({"reliability": reliability, "classes": read.classes, "confusion": confusion}).decode())


def _runs(
    run: Path,
    against: Path | None,
    votes: Path | None,
    gold: Path | None,
    measure: str,
    gain: Gain,
    *,
    is_drawn: bool = True,
) -> "JudgedRuns":
    from evaluation.judged.measure import JudgedMeasure
    from evaluation.judged.runs import JudgedRuns
    from evaluation.metrics import Relevance

    parsed = JudgedMeasure.parse(measure, Relevance(gain=gain))
    return JudgedRuns.read(run, against, votes, gold, parsed, is_drawn=is_drawn)
