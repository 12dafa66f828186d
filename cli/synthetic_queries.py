"""`tandem synthetic-queries`: a config file in, a table of synthetic (query, item) pairs out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bundle.config import load_config
from cli.console import Interrupted, emit, make_progress, say
from cli.options import JsonOption, SetOption


def synthetic_queries(
    config: Annotated[
        Path, typer.Argument(help="TOML file of the synthetic queries; paths count from its own folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table to write (.parquet), instead of the config's.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Ask an endpoint only for what it has not answered.")
    ] = False,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make queries for the items of a training run, filter them, and print the table's path."""
    from bundle.features import text_columns
    from training.config import TrainConfig
    from training.dataset import load_dataset
    from training.synthetic_queries.config import SyntheticQueriesConfig
    from training.synthetic_queries.generate import check_output, generate_table, journal_of
    from training.synthetic_queries.mix import text_feature
    from training.synthetic_queries.sources import Surroundings

    settings = load_config(SyntheticQueriesConfig, config, overrides or ())
    target = output or config.parent / settings.output
    check_output(target)
    run_file = config.parent / settings.train
    run = load_config(TrainConfig, run_file)
    feature = text_feature(run.features.query, run.synthetic_queries.feature if run.synthetic_queries else None)
    texts = text_columns([*run.features.query, *run.features.item]) | set(settings.text)
    texts |= {settings.title or settings.text[0]}
    dataset = load_dataset(run.data, run_file.parent, texts)
    surroundings = Surroundings(config.parent, journal_of(target), resume, os.environ, make_progress())
    with _told_what_is_kept(surroundings.journal):
        made = generate_table(settings, dataset, run.split.split(dataset), feature, surroundings, target)
    for name, count in made.counts.items():
        say(f"  {name.replace('_', ' '):<28} {count:>12,.10g}")
    say(f"{len(made.pairs):,} pairs are in {target}")
    answer = {"output": str(target), "counts": made.counts}
    emit(orjson.dumps(answer).decode() if as_json else str(target))


@contextmanager
def _told_what_is_kept(journal: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if not journal.exists():
            raise Interrupted("no table was written; run the command again") from None
        kept = f"no table was written, but every answer that came is kept in {journal}; go on with --resume"
        raise Interrupted(kept) from None
